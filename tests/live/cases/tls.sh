# SPDX-License-Identifier: GPL-2.0-or-later
# Who is on the other side: syslog over TLS to OpenSSL's own server, webhooks
# over HTTPS, each with certificates that are good and such as are not. What is
# not gets no byte of an alert, and one line says why. Then a journald of our
# own, asked by journalctl.
. /tocsin/tests/live/lib.sh
. /tocsin/tests/live/lib_outputs.sh
T=tls
sent_rule sent
own_rule big 'process where event.action == "exec" and process.name == "big"'

# ---- certificates ---------------------------------------------------------

here=DNS:localhost,IP:127.0.0.1
authority ours
authority theirs
certificate good ours $always $here
certificate name ours $always DNS:other.example
certificate old ours 20000101000000Z 20200101000000Z $here
certificate early ours 20480101000000Z 20491231000000Z $here
certificate strange theirs $always $here
certificate client ours $always DNS:client
request alone -x509 -days 2 -out $tls/alone.pem -addext "subjectAltName=$here"
bad="name old early strange alone"
is 'tls: the certificates are made' same "$(ls $tls/{good,client,strange,name,old,early,alone}.pem | wc -l)" 7 || cat $tls/log

# ---- receivers ------------------------------------------------------------

mkfifo $live/never
exec 9<>$live/never # what they read on standard input: nothing, for ever
listens() { (: <>/dev/tcp/127.0.0.1/$1) 2>/dev/null; }
serve() { # NAME PORT CERTIFICATE [OPTION…]: octets as they come
	openssl s_server -quiet -accept 127.0.0.1:$2 -cert $tls/$3.pem \
		-key $tls/$3.key "${@:4}" <&9 >$got/$1 2>$got/$1.err &
	receivers+=($!)
	wait_until 10 listens $2 || not_ok "tls: $1: $(cat $got/$1.err)"
}
post() { # NAME PORT CERTIFICATE [CA]
	receive $1 https $2 $tls/$3.pem $tls/$3.key ${4:+$tls/$4.pem}
}
serve s_good 7001 good
serve s_address 7002 good
serve s_mutual 7003 good -CAfile $tls/ours.pem -Verify 1
serve s_nobody 7004 good -CAfile $tls/ours.pem -Verify 1
post w_good 8001 good
post w_mutual 8002 good ours
post w_nobody 8003 good ours
port=7010
for name in $bad; do
	serve s_$name $port $name
	post w_$name $((port + 1000)) $name
	port=$((port + 1))
done

journald=/usr/lib/systemd/systemd-journald
journal() {
	$journald >$live/journald.out 2>&1 &
	journald_pid=$!
	wait_until 5 test -S /run/systemd/journal/socket
}
mkdir -p /run/systemd/journal
with_journald=
if [ -x $journald ] && journal && wait_until 5 test -e /run/log/journal; then
	with_journald=yes
else
	skip "tls: systemd-journald does not run here: $(cat $live/journald.out)"
fi

ours="ca: $tls/ours.pem, timeout: 5s"
identity="certificate: $tls/client.pem, key: $tls/client.key"
{
	echo "rules: [$live/sent.yml, $live/big.yml]"
	echo 'args_bytes: 32768'
	echo 'outputs:'
	echo "- {type: syslog, name: s_good, to: 'tls://localhost:7001', $ours}"
	echo "- {type: syslog, name: s_address, to: 'tls://127.0.0.1:7002', $ours}"
	echo "- {type: syslog, name: s_mutual, to: 'tls://localhost:7003', $ours, $identity}"
	echo "- {type: syslog, name: s_nobody, to: 'tls://localhost:7004', $ours}"
	echo "- {type: webhook, name: w_good, url: 'https://localhost:8001/ok', $ours}"
	echo "- {type: webhook, name: w_mutual, url: 'https://127.0.0.1:8002/ok', $ours, $identity}"
	port=7010
	for name in $bad; do
		echo "- {type: syslog, name: s_$name, to: 'tls://localhost:$port', $ours}"
		echo "- {type: webhook, name: w_$name, url: 'https://localhost:$((port + 1000))/ok', $ours}"
		port=$((port + 1))
	done
} >$live/tocsin.yaml
# Sixteen are the most: the rest have their turn below.

# ---- who is believed ------------------------------------------------------

arrived() {
	case $1 in
	journal) journalctl -a -o json SYSLOG_IDENTIFIER=tocsin |
		jq -r .TOCSIN_ALERT_ID ;;
	w_*) jq -r 'objects | .alert | objects | .tocsin.alert.id' $got/$1 ;;
	*) grep -aoE '\[tocsin@32473 id="[0-9a-f]{32}"' $got/$1 | grep -oE '[0-9a-f]{32}' ;;
	esac | awk '!again[$0]++'
}
delivered() { figure "$1" delivered; }
told() { for o in "$@"; do grep -q "output $o: " $notes || return; done; }
good="s_good s_address s_mutual w_good w_mutual"
refused="s_nobody"
for name in $bad; do refused="$refused s_$name w_$name"; done

watch_start -c $live/tocsin.yaml
make 1 5
wait_until 30 all_have 5 $good
wait_until 30 told $refused
make 6 20
wait_until 30 all_have 20 $good
for o in $good; do
	is "tls: $o: all arrive, in order" same "$(arrived $o)" "$(ids)"
done
why() { # OUTPUT WORDS
	# One that hangs up may do so before or after it has said why: at one of
	# the tries it is heard.
	if [[ $1 == *_nobody ]]; then
		wait_until 40 grep -qE "output $1: .*$2" $notes
	else
		is "tls: $1: is told once" same "$(grep -c "output $1: " $notes)" 1
	fi
	is "tls: $1: why" grep -qE "output $1: .*$2" $notes
	grep -qE "output $1: .*$2" $notes || grep "output $1: " $notes
}
for o in $refused; do
	is "tls: $o: nothing counts as delivered" same "$(delivered $o)" 0
	is "tls: $o: and nothing was sent" same "$(grep -ac /srv/sent/ $got/$o)" 0
done
why s_name 'name in the certificate does not match'
why s_old 'expired'
why s_early 'not yet (activated|valid)'
why s_strange 'issuer is unknown'
why s_alone 'issuer is unknown'
why s_nobody 'ertificate'
why w_name 'does not match'
why w_old 'expired'
why w_early 'not yet'
why w_strange 'issuer'
why w_alone 'issuer'
watch_stop
is 'tls: stopped as ever' same $watch_code 25

# ---- the journal, and one that wants to know who we are -------------------

cat >$live/tocsin.yaml <<-END
	rules: [$live/sent.yml, $live/big.yml]
	args_bytes: 32768
	outputs:
	- {type: journald, name: journal}
	- {type: webhook, name: w_nobody, url: 'https://localhost:8003/ok', $ours}
END
rm -rf $live/state
if [ -n "$with_journald" ]; then
	watch_start -c $live/tocsin.yaml
	make 101 110
	wait_until 30 all_have 10 journal
	is 'tls: journald: all arrive, in order' same "$(arrived journal)" "$(ids)"
	is 'tls: journald: level, name and user, as journald sees them' same \
		"$(journalctl -o json TOCSIN_RULE_ID=sent | jq -r \
			'[.PRIORITY, .SYSLOG_IDENTIFIER, ._UID] | join(" ")' |
			sort | uniq -c | xargs)" '10 3 tocsin 0'
	is 'tls: journald: the whole alert' same "$(journalctl -a -o json \
		TOCSIN_RULE_ID=sent | jq -r .TOCSIN_ALERT | jq -r .file.path)" \
		"$(printf '/srv/sent/%s\n' $(seq 101 110))"
	wait_until 20 told w_nobody
	why w_nobody 'TLS fatal alert'
	is 'tls: w_nobody: nothing counts as delivered' same \
		"$(delivered w_nobody)" 0

	# Longer than a datagram: in a file without a name, sealed.
	cp /usr/bin/true $bin/big
	long=$(head -c 30000 /dev/zero | tr '\0' '\1')
	bash -c '"$0" "$1"; :' $bin/big "$long"
	wait_until 20 all_have 11 journal
	size=$(journalctl -a -o json TOCSIN_RULE_ID=big | jq -r .TOCSIN_ALERT | wc -c)
	is "tls: journald: an alert of $size bytes" test "$size" -gt 450000
	is 'tls: journald: whole' same "$(journalctl -a -o json TOCSIN_RULE_ID=big |
		jq -r .TOCSIN_ALERT | jq -r '.process.args[1] | length')" 30000

	# Away for a while.
	kill $journald_pid
	wait $journald_pid 2>/dev/null
	make 111 115
	wait_until 20 grep -q 'output journal: there is no journald' $notes
	is 'tls: journald: away: is said' grep -q \
		'output journal: there is no journald' $notes
	journal
	wait_until 60 all_have 16 journal
	is 'tls: journald: back: all arrive, in order' same "$(arrived journal)" "$(ids)"
	watch_stop
	is 'tls: journald: stopped as ever' same $watch_code 25
	kill $journald_pid
fi
kill ${receivers[@]} 2>/dev/null
