# SPDX-License-Identifier: GPL-2.0-or-later
# Whose rules are taken, and which: files that others may write, and signed
# sets, made with minisign and checked by sha256sum, too.

mkdir trust && cd trust || exit 1
mkdir set ex
cp "$root"/rules/linux/lists.yml "$root"/rules/linux/systemd_timer_created.yml \
	"$root"/rules/linux/ld_so_preload.yml set
cat >ex/one.yml <<-'EOF'
	rule: systemd-timer-created
	when: process.name == "mine"
	reason: mine
	owner: me
	expires: 2099-01-01
EOF
chmod -R go-w .
cat >c.yaml <<-EOF
	rules: [$PWD/set]
	exceptions: [$PWD/ex]
	sensors: [poll]
	heartbeat: 0s
EOF
chmod 600 c.yaml

# What the last one said must not be taken for what this one says.
watch_begins() {
	: >noise
	"$TOCSIN" watch -c c.yaml -s st >alerts 2>noise &
	wait_until is_ready
}
# taken NAME CODE: the watcher starts (25, being stopped), or says why not.
taken() {
	local name=$1 code=$2 got
	watch_begins
	kill $! 2>/dev/null
	wait $!
	got=$?
	err=$(grep -v 'tocsin: \(ready\|stopped\|files by\|processes by\)' noise)
	is "watch: $name: exit code" "$code" "$got"
	[ "$code" -eq 25 ] || is "watch: $name: one line" 1 "$(wc -l <<<"$err")"
}
scanned() {
	out=$("$TOCSIN" scan -c c.yaml -s st "$PWD/set" 2>err >/dev/null)
	is "scan: $1: exit code" "$2" $?
}

taken 'as they are' 25
for path in set/ld_so_preload.yml set/lists.yml set ex/one.yml ex; do
	for mode in g+w o+w; do
		was=$(stat -c %a $path)
		chmod $mode $path
		taken "$path: $mode" 17
		has "$path: $mode" "$path" "$err"
		has "$path: $mode" 'chmod go-w' "$err"
		chmod "$was" $path
	done
done
chmod o+w set/lists.yml
scanned 'o+w' 17
run 'rules check takes anything' 0 rules check set
chmod o-w set/lists.yml
mkdir -m 777 open && ln -s ../set open/set
sed -i "s|$PWD/set|$PWD/open/set|" c.yaml
taken 'through a link that others may replace' 17
has 'through a link that others may replace' trust/open "$err"
chmod 755 open
taken 'through a link of ours' 25
sed -i "s|$PWD/open/set|$PWD/set|" c.yaml
if [ "$(id -u)" -eq 0 ]; then
	chown 12345 set/lists.yml
	taken 'somebody elses' 17
	has 'somebody elses' 'belongs to user 12345' "$err"
	chown 0 set/lists.yml
	mkdir -m 777 conf && cp -p c.yaml conf
	run 'configuration in a folder of others' 17 -c conf/c.yaml doctor
fi

if ! command -v minisign >/dev/null; then
	echo 'SKIPPED: no minisign here: signed rules were NOT tested' >&2
else
	tocsin key generate --unencrypted k.key k.pub >/dev/null
	tocsin key generate --unencrypted o.key o.pub >/dev/null
	sign() { "$root"/contrib/sign-rules "${1:-k.key}" set ex >said 2>&1; }
	echo 'require_signature: true' >>c.yaml
	taken 'no key' 17
	echo "public_keys: [$PWD/k.pub]" >>c.yaml
	taken 'unsigned' 32
	has 'unsigned' 'SHA256SUMS: is missing' "$err"
	sign
	is 'sha256sum takes the list' 0 "$(cd set; sha256sum -c SHA256SUMS \
		>/dev/null 2>&1; echo $?)"
	is 'minisign takes the list' 0 "$(minisign -qVm set/SHA256SUMS \
		-p k.pub >/dev/null 2>&1; echo $?)"
	taken 'signed' 25
	scanned 'signed' 0
	is 'the journal knows the sets' 2 \
		"$(jq -r 'select(.action == "rules").action' \
			st/log/journal.ndjson | wc -l)"
	cp -a set good && cp -a ex goodex
	back() { rm -rf set ex && cp -a good set && cp -a goodex ex; }
	no() { # NAME TEXT
		taken "$1" 32
		has "$1" "$2" "$err"
		scanned "$1" 32
		out=$("$TOCSIN" rules list -c c.yaml 2>&1 >/dev/null)
		is "rules: $1: exit code" 32 $?
		back
	}
	echo '# more' >>set/lists.yml
	no 'changed' 'is not what was signed'
	truncate -s -1 ex/one.yml
	no 'truncated' 'is not what was signed'
	cp set/ld_so_preload.yml set/other.yml
	no 'added' 'is not in the signed list'
	rm set/ld_so_preload.yml
	no 'removed' 'which is missing'
	mv set/lists.yml set/x && mv set/ld_so_preload.yml set/lists.yml &&
		mv set/x set/ld_so_preload.yml
	no 'exchanged' 'is not what was signed'
	sed -i '$d' set/SHA256SUMS
	no 'the list cut' 'is not what was signed'
	rm ex/SHA256SUMS.minisig
	no 'the signature removed' 'has no signature'
	cp ex/SHA256SUMS.minisig set/
	no 'the signature of another' 'is not what was signed'
	sign o.key
	no 'another key' 'a key that is not trusted'
	minisign -S -s k.key -m set/SHA256SUMS -t 'no time' >said 2>&1
	no 'no time' 'timestamp'
	# A newer set, then the older one again.
	sleep 1.1
	echo '# newer' >>set/lists.yml
	sign
	taken 'a newer set' 25
	back
	taken 'turned back' 32
	has 'turned back' 'was turned back' "$err"
	sleep 1.1
	sign
	taken 'the old one, signed anew' 25

	# A reload keeps what is in force.
	watch_begins
	echo '# more' >>set/lists.yml
	kill -HUP $!
	wait_until grep -q 'old set stays' noise
	kill $! && wait $!
	is 'reload: exit code' 25 $?
	has 'reload: why' 'is not what was signed' "$(cat noise)"
	has 'reload: kept' 'the old set stays' "$(cat noise)"
fi
cd .. || exit 1
