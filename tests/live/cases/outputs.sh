# SPDX-License-Identifier: GPL-2.0-or-later
# Outputs: real receivers take alerts, fail, hang, are stopped; senders are
# killed, the watcher too. Every alert arrives at least once everywhere, in
# order; what is dead delays nobody.
. /tocsin/tests/live/lib.sh
. /tocsin/tests/live/lib_outputs.sh
T=outputs
sent_rule 'sent "everywhere"]'
arrived() {
	case $1 in
	file) cat $(ls -v -r /srv/out/alerts* 2>/dev/null) | jq -r .tocsin.alert.id ;;
	journal) jq -r 'objects | .TOCSIN_ALERT_ID' $got/$1 ;;
	moody | picky) jq -r 'objects | .alert | objects | .tocsin.alert.id' $got/$1 ;;
	*) jq -r 'strings' $got/$1 | sed -n 's/.* id="\([0-9a-f]*\)".*/\1/p' ;;
	esac | once
}
once() { awk '!again[$0]++'; }

# What is told is remembered a second later; of the rest another engine tells
# again.
remembers() {
	[ "$(db "SELECT count(*) FROM files JOIN dirs ON dir = id
		WHERE path = '/srv/sent'")" -ge "$1" ]
}

authority ours
authority theirs
certificate server ours $always DNS:localhost
certificate client ours $always DNS:localhost

cat >$live/tocsin.yaml <<-END
	rules: [$live/sent.yml]
	outputs:
	  - {type: file, path: /srv/out/alerts, max_bytes: 65536, keep: 100}
	  - {type: journald, name: journal}
	  - {type: syslog, name: local, to: unix:/srv/dev-log}
	  - {type: syslog, name: tcp, to: "tcp://127.0.0.1:6514"}
	  - {type: syslog, name: tls, to: "tls://localhost:6515", ca: $tls/ours.pem,
	     certificate: $tls/client.pem, key: $tls/client.key}
	  - {type: syslog, name: stranger, to: "tls://localhost:6515", ca: $tls/theirs.pem}
	  - {type: webhook, name: moody, url: "http://127.0.0.1:8080/moody", timeout: 1s,
	     headers: ["Authorization: Bearer secret"]}
	  - {type: webhook, name: picky, url: "http://127.0.0.1:8081/picky/sent/77"}
	  - {type: webhook, name: dead, url: "http://127.0.0.1:9/"}
END
receive journal journal /run/systemd/journal/socket
receive local unix /srv/dev-log
receive tcp tcp 6514
receive tls tls 6515 $tls/server.pem $tls/server.key $tls/ours.pem
receive moody http 8080
receive picky http 8081
live_ones="file journal local tcp tls moody"

watch_start -c $live/tocsin.yaml --metrics $live/tocsin.prom
make 1 20
wait_until 30 all_have 20 $live_ones
for o in $live_ones; do
	is "outputs: $o: 20 alerts, in order" same "$(arrived $o)" "$(ids)"
done
wait_until 20 grep -q 'output dead: ' $notes
is 'outputs: a dead one delays nobody: it is still trying' \
	same "$(figure dead delivered)" 0
is 'outputs: the dead one: is told once' same \
	"$(grep -c 'output dead: ' $notes)" 1
tried() { [ "$(figure dead retries)" -gt 0 ]; }
wait_until 10 tried
is 'outputs: the dead one: has tried' tried
is 'outputs: the dead one: why' grep -q 'output dead: .*onnect' $notes
not_accepted() {
	grep -q 'output stranger: the certificate is not accepted' $notes
}
wait_until 20 not_accepted
is 'outputs: a certificate of another: nothing is sent' \
	same "$(figure stranger delivered)" 0
is 'outputs: a certificate of another: why' not_accepted
wait_until 10 has_figure moody retries 4
is 'outputs: moody: was tried again' has_figure moody retries 4
is 'outputs: moody: hung, too' grep -q hangs $got/moody
# What is answered too late comes twice.
is 'outputs: moody: the id of each is a header' same \
	"$(jq -r 'objects | .headers // empty | ."Idempotency-Key"' $got/moody |
		once)" "$(ids)"
is 'outputs: moody: and of no other' same "$(jq -c 'objects | select(.headers) |
	select(.headers."Idempotency-Key" != .alert.tocsin.alert.id)' $got/moody)" ''
is 'outputs: moody: a header of ours' same "$(jq -r \
	'objects | .headers // empty | .Authorization' $got/moody | sort -u)" \
	'Bearer secret'
is 'outputs: journal: priority' same \
	"$(jq -r 'objects | .PRIORITY' $got/journal | sort -u)" 3
wait_until 10 have_alerts sent 20 # written after they are stored
is 'outputs: journal: the whole alert' same \
	"$(jq -r 'objects | .TOCSIN_ALERT' $got/journal | jq -r .file.path | sort -V)" \
	"$(jq -r .file.path $alerts | sort -V)"
# RFC 5424, as a whole line: header, structured data, escaped; JSON.
is 'outputs: syslog: the form' same "$(jq -r strings $got/tcp | once | grep -cE \
	'^<83>1 [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z live tocsin - alert \[tocsin@32473 id="[0-9a-f]{32}" rule="sent" name="sent \\"everywhere\\"\\\]" level="high" severity="73" user="root" file="/srv/sent/[0-9]+"\] \{.*\}$')" 20
is 'outputs: syslog: the JSON' same \
	"$(jq -r strings $got/tls | sed -n 's/^<.*"\] {/{/p' |
		jq -r .tocsin.alert.id | once)" "$(ids)"

# ---- what they may do -----------------------------------------------------

# By whose children they are: a sender has the name of the post at first.
engine() { pgrep -P $watcher; }
post() { pgrep -P "$(engine)"; }
senders() { pgrep -P "$(post)"; }
nine() { [ "$(senders | wc -l)" -eq 9 ]; }
wait_until 10 nine
is 'outputs: a process each' same "$(senders | wc -l)" 9
status() { sed -n "s/^$2:[[:space:]]*//p" /proc/$1/status; }
may() {
	echo "$(status $1 CapEff) $(status $1 CapPrm) $(status $1 Seccomp)" \
		"$(status $1 NoNewPrivs)"
}
nothing='0000000000000000 0000000000000000 2 1'
may_nothing() { [ "$(may $1)" = "$nothing" ]; }
for pid in $(senders); do
	wait_until 10 may_nothing $pid # one that has just begun still opens files
	name=$(cat /proc/$pid/comm)
	is "outputs: $name: no capability, seccomp, no new privileges" same \
		"$(may $pid)" "$nothing"
	is "outputs: $name: nothing of the watcher's is open" same \
		"$(ls -l /proc/$pid/fd | grep -cE 'bpf|fanotify|watch.lock|signalfd|inotify')" 0
done
# ---- killed, stopped ------------------------------------------------------

make 21 60 &
maker=$!
for i in 1 2 3; do
	for pid in $(senders); do
		kill -KILL $pid 2>/dev/null # or it has just ended
		sleep 0.05
	done
	sleep 0.5
done
wait $maker
kill -STOP ${receivers[2]} # tcp hangs
make 61 120
others=${live_ones/tcp/}
wait_until 60 all_have 120 $others
for o in $others; do
	is "outputs: $o: senders killed: all arrive, in order" same \
		"$(arrived $o)" "$(ids)"
done
is 'outputs: killed senders are said' grep -q 'was killed by signal 9' $notes
kill -CONT ${receivers[2]}
wait_until 60 all_have 120 tcp
is 'outputs: tcp: stopped for a while: all arrive, in order' same \
	"$(arrived tcp)" "$(ids)"

# So is the one that starts them: the engine begins anew.
wait_until 10 remembers 120
kill -KILL "$(post)"
again() { [ "$(grep -c '^tocsin: ready' $notes)" -ge 2 ]; }
wait_until 30 again
is 'outputs: the post killed: all begins anew' again

# A receiver dies and comes back.
kill -KILL ${receivers[4]}
wait ${receivers[4]} 2>/dev/null
make 121 140
wait_until 30 all_have 140 file
is 'outputs: moody is down: another is not' all_have 140 file
receive moody http 8080
wait_until 60 all_have 140 moody
is 'outputs: moody is back: all arrive' same "$(arrived moody | sort)" "$(ids | sort)"

# One alert is refused for ever: those after it are not held up for ever.
wait_until 60 all_have 139 picky
wait_until 10 has_figure picky refused 1
is 'outputs: picky: what is refused is passed over' same \
	"$(figure picky refused) $(arrived picky | wc -l)" '1 139'
is 'outputs: picky: and said' grep -q 'output picky: passed over' $notes

# What the figures and the status say of it: each has what it has been told by
# the time that it is written, four times a minute and once a minute.
value() { # FIGURE OUTPUT
	awk -v n="tocsin_output_$1{output=\"$2\"} " \
		'index($0, n) == 1 { print $NF }' $live/tocsin.prom
}
says() { # FIGURE OUTPUT N
	[ "$(value "$1" "$2")" = "$3" ]
}
says_retries() { [ "0$(value retries_total dead)" -gt 0 ]; }
wait_until 30 says behind dead 140
is 'outputs: figures: how far a dead one is behind' says behind dead 140
wait_until 30 says failing dead 1
wait_until 30 says failing file 0
is 'outputs: figures: that it fails' same \
	"$(value failing dead) $(value failing file)" '1 0'
wait_until 30 says_retries
is 'outputs: figures: retries' says_retries
wait_until 30 says refused_total picky 1
is 'outputs: figures: refused' same "$(value refused_total picky)" 1
doctor_says() {
	"$tocsin" doctor -s $live/state >$live/doctor
	grep -q 'output dead is [0-9]* alerts behind: .*onnect' $live/doctor
}
wait_until 30 doctor_says
is 'outputs: doctor says which is behind, and why' doctor_says || cat $live/doctor

# ---- the watcher ends -----------------------------------------------------

wait_until 60 nine
old="$(senders) $(post)"
is 'outputs: nine senders and the post before' same "$(wc -w <<<"$old")" 10
wait_until 10 remembers 140
kill -KILL $watcher
wait $watcher 2>/dev/null
gone() { ! kill -0 $old 2>/dev/null; }
wait_until 15 gone
is 'outputs: the watcher killed: its senders end' gone
# That all senders find the configuration, however many start at once.
watch_start -c $live/tocsin.yaml
make 141 150
watch_stop
is 'outputs: stopped as ever' same $watch_code 25
# Gone out: it may be still in the queue of the other side's socket.
wait_until 10 all_have 150 file local
is 'outputs: stopping: what was made just before has gone out' all_have 150 file local
for o in file local; do
	is "outputs: $o: all are there, in order" same "$(arrived $o)" "$(ids)"
done
# A file that is renamed when it is full: lines whole, once, in order.
is 'outputs: file: was rotated' test "$(ls /srv/out | wc -l)" -gt 5
is 'outputs: file: no part too large' same \
	"$(find /srv/out -size +65536c | wc -l)" 0
is 'outputs: file: for its owner alone' same \
	"$(stat -c %a /srv/out/* | sort -u)" 600

# ---- its disk is full -----------------------------------------------------

mkdir /srv/small
mount -n -t tmpfs -o size=256k live /srv/small
cat >$live/small.yaml <<-END
	rules: [$live/sent.yml]
	outputs:
	  - {type: file, name: small, path: /srv/small/alerts, keep: 1}
	  - {type: syslog, name: local, to: unix:/srv/dev-log}
END
watch_start -c $live/small.yaml
make 151 152
has_lines() { [ "$(cat /srv/small/alerts 2>/dev/null | wc -l)" -ge "$1" ]; }
wait_until 10 has_lines 2
head -c 1m /dev/zero >/srv/small/junk 2>/dev/null
make 153 250
wait_until 20 all_have 250 local
is 'outputs: a full disk delays nobody else' all_have 250 local
wait_until 10 grep -q 'output small: .*No space' $notes
is 'outputs: a full disk: is said' grep -q 'output small: .*No space' $notes
# At each try there is, until it is cut off again.
whole() { jq -e . /srv/small/alerts >$live/out 2>&1; }
wait_until 10 whole
is 'outputs: a full disk: no part of a line' whole
rm /srv/small/junk
mount -n -o remount,size=16m /srv/small
wait_until 30 has_lines 100
is 'outputs: room again: all are there, once, in order' same \
	"$(jq -r .tocsin.alert.id /srv/small/alerts)" "$(ids | tail -n 100)"
kill ${receivers[@]} 2>/dev/null
watch_stop
is 'outputs: the end' same $watch_code 25
