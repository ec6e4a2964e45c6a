# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin baseline.

mkdir base
cd base || exit 1
S="-s $PWD/state"
V="--pubkey $PWD/pub"
K="--key $PWD/sec"
base() { # NAME CODE ACTION…
	local name=$1 code=$2
	shift 2
	# shellcheck disable=SC2086 # lists of words
	run "$name" "$code" baseline "$@" $S
}
tocsin key generate --unencrypted sec pub >/dev/null
mkdir -p tree/sub
for i in 1 2 3 4; do echo "file $i" >tree/f$i; done
chmod 644 tree/f?
printf x >"tree/odd
name"$'\377'
ln -s f1 tree/link
mkfifo tree/fifo
truncate -s 1T tree/sparse

base 'check: no baseline' 33 check $V
base 'init: no key' 16 init tree
base 'init: plan' 0 init --plan --format json tree
is 'init: plan' 10 "$(printf %s "$out" | jq .files)"
[ ! -e state ]
is 'init: a plan writes nothing' 0 $?
base 'init: a word that is spelled wrong' 16 init $K tree typo
base 'init: a variable that is not set' 16 init $K ''
[ ! -e state ]
is 'init: of what is not there nothing is made' 0 $?
base 'init' 0 init $K tree
has 'init: says what it leaves out' 'tree/sparse is larger than the limit' "$err"
base 'check: what is too large is not covered' 8 check $V
has 'check: uncovered' 'uncovered' "$out"
rm tree/sparse
base 'init again' 0 init $K tree
base 'check: clean' 0 check $V
is 'check: clean' '' "$out"
base 'check: no key' 16 check
if command -v minisign >/dev/null; then
	minisign -Vqm state/baseline.db -p pub
	is 'minisign verifies it' 0 $?
fi
cp -a state first

chmod 600 tree/f1
echo 'file X' >tree/f2
rm tree/f3
ln -sfn f2 tree/link
touch tree/new
base 'check: changes' 7 check $V
has 'check: mode' "tree/f1  mode 0644 -> 0600" "$out"
has 'check: content' 'tree/f2' "$(printf '%s\n' "$out" | grep sha256)"
has 'check: removed' 'removed ' "$(printf '%s\n' "$out" | grep f3)"
has 'check: target' 'target f1 -> f2' "$out"
has 'check: added' 'added ' "$(printf '%s\n' "$out" | grep tree/new)"
all=$out
base 'check: quick' 7 check --quick $V
is 'check: quick says the same' "$all" "$out"
base 'check: exit zero' 0 check --exit-zero $V
base 'check: json' 7 check --format json $V
is 'check: json' '5 1 1 3' "$(printf %s "$out" |
	jq -r '"\(.changes | length) \(.summary.added) \(.summary.removed) \(.summary.changed)"')"
printf %s "$out" >report.json
tocsin key generate -q --unencrypted stranger stranger.pub >/dev/null
cp report.json signed.json
tocsin report sign -q --key stranger signed.json
base 'check: ndjson' 7 check --format ndjson $V
is 'check: ndjson' 6 "$(printf '%s\n' "$out" | jq -s length)"

base 'accept: what' 16 accept --reason x $K $V
base 'accept: why' 16 accept tree/f1 $K $V
base 'accept: outside' 16 accept /etc --reason x $K $V
base 'accept: a word that is spelled wrong' 16 accept tree/f tree/f1 --reason x $K $V
has 'accept: a word that is spelled wrong' 'tree/f is neither there nor in' "$err"
base 'accept: a package that is spelled wrong' 16 accept --package bsah --reason x $K $V
has 'accept: a package that is spelled wrong' 'no package bsah is known here' "$err"
base 'accept: a package without changes' 0 accept --package bash --reason x $K $V
has 'accept: a package without changes' 'nothing to accept' "$err"
base 'accept: a variable that is not set' 16 accept '' --reason x $K $V
base 'accept: is no rehearsal' 16 accept --plan tree/f1 --reason x $K $V
has 'accept: is no rehearsal' 'accept takes no --plan' "$err"
base 'restore: is no rehearsal' 16 restore --plan tree/f1 $V
base 'restore: a variable that is not set' 16 restore --delete '' $V
base 'check: removes nothing' 16 check --delete $V
base 'nothing of that was done' 7 check $V
is 'nothing of that was done' "$all" "$out"
base 'accept: a path' 0 accept tree/f1 --reason 'so "be" it' $K $V
base 'accept: the rest' 7 check $V
is 'accept: the rest' 4 "$(printf '%s\n' "$out" | wc -l)"
# Somebody changes what was reported before it is accepted.
echo 'file Y' >tree/f2
base 'accept: report, not signed' 32 accept --report report.json --reason r $K $V
has 'accept: report, not signed' 'report.json: has no signature' "$err"
base 'accept: report, signed by somebody' 32 accept --report signed.json \
	--reason r --unsigned-report $K $V
has 'accept: report, signed by somebody' 'a key that is not trusted' "$err"
cp report.json signed.json
tocsin report sign -q --key sec signed.json
base 'accept: report, signed' 18 accept --report signed.json --reason r $K $V
has 'accept: report, signed' 'it has changed since the report was made' "$err"
sed -i 's/"removed"/"changed"/' signed.json
base 'accept: report, changed after that' 32 accept --report signed.json \
	--reason r --unsigned-report $K $V
has 'accept: report, changed after that' 'is not what was signed' "$err"
base 'accept: no report' 16 accept --unsigned-report --reason r $K $V tree
base 'accept: report' 18 accept --report report.json --unsigned-report --reason r $K $V
has 'accept: report' 'it has changed since the report was made' "$err"
base 'accept: report, not half' 7 check $V
base 'accept: new report' 7 check --format ndjson $V
printf '%s\n' "$out" >report.ndjson
mode=$(stat -c %a tree/f2)
chmod 4755 tree/f2
base 'accept: report, a mode since' 18 accept --report report.ndjson \
	--unsigned-report --reason r $K $V
has 'accept: report, a mode since' 'it has changed since' "$err"
chmod "$mode" tree/f2
mode=$(stat -c %a tree/new)
chmod 4755 tree/new
base 'accept: report, a mode of what is new' 18 accept --report report.ndjson \
	--unsigned-report --reason r $K $V
has 'accept: report, a mode of what is new' 'new: it has changed since' "$err"
chmod "$mode" tree/new
ln -s f1 tree/way
base 'accept: report of a link' 7 check --format json $V
printf '%s\n' "$out" >way.json
rm tree/way
cp /bin/true tree/way
base 'accept: report, a program in place of a link' 18 accept --report way.json \
	--unsigned-report --reason r $K $V
has 'accept: report, a program in place of a link' \
	'way: it has changed since' "$err"
rm tree/way
tocsin report sign -q --key sec report.ndjson
base 'accept: new report' 0 accept --report report.ndjson --reason r $K $V
base 'accept: all' 0 check $V
base 'log' 0 log
has 'log' 'accept 3' "$out"
has 'log: reason' 'so "be" it' "$out"
base 'log: JSON' 0 log --format json
is 'log: JSON' "$(tocsin baseline log --format ndjson $S | jq -c .action)" \
	"$(jq -c '.[].action' <<<"$out")"
base 'log: verify' 0 log --verify $V
is 'log: verify: whole' 1 "$(printf '%s\n' "$err" | wc -l)"
cp -a state half
truncate -s -9 half/log/journal.ndjson
run 'log: half a record' 0 baseline log --verify $V -s half
has 'log: half a record' 'its writing was broken off, or the rest was cut' "$err"
base 'show' 0 show tree/f1 $V
has 'show' 'mode          0600' "$out"
has 'show' "inode         $(stat -c %i tree/f1)" "$out"
has 'show: now' 'now           the same' "$out"
base 'show: unknown' 1 show tree/none $V
base 'list' 0 list --format ndjson $V
is 'list' 9 "$(printf '%s\n' "$out" | jq -s length)"
base 'list: JSON' 0 list --format json $V
is 'list: JSON' 9 "$(jq length <<<"$out")"
base 'show: JSON' 1 show --format json tree/f1 tree/none $V
is 'show: JSON' '["f1"]' "$(jq -c 'map(.path | sub(".*/"; ""))' <<<"$out")"

# Whatever is wrong with it: 32 and one line.
tampered() { # NAME
	base "$1" 32 check $V
	is "$1: one line" 1 "$(printf '%s\n' "$err" | wc -l)"
	rm -rf state
	cp -a good state
}
cp -a state good
cp first/baseline.db* state
tampered 'rolled back'
has 'rolled back' 'an older one was put in its place' "$err"
rm -rf state/log
tampered 'journal gone'
head -n 1 good/log/journal.ndjson >state/log/journal.ndjson
tampered 'journal cut off'
sed -i 's/accept/except/' state/log/journal.ndjson
tampered 'journal changed'
cp first/baseline.db state
tampered 'swapped'
rm state/baseline.db.minisig
tampered 'signature gone'
truncate -s 8192 state/baseline.db
tampered 'cut off'
printf x | dd of=state/baseline.db bs=1 seek=9000 conv=notrunc 2>/dev/null
tampered 'changed'
tocsin key generate --unencrypted sec2 pub2 >/dev/null
base 'another key' 32 check --pubkey pub2
base 'a second key' 0 check $V --pubkey pub2
base 'accept verifies first' 32 accept tree --reason x --key sec2 --pubkey pub2

# A link on the command line: itself, and what it leads to.
mkdir behind links
echo one >behind/file
ln -s ../behind links/way
ln -s nowhere links/none
run 'init: links' 0 baseline init $K -s links-state links/way links/none
run 'init: links' 0 baseline list $V -s links-state
is 'init: links' '/behind
/behind/file
/links/none
/links/way' "$(awk '{ print $NF }' <<<"${out//$PWD/}")"
echo two >behind/file
run 'init: links, check' 4 baseline check $V -s links-state
rm links/way
run 'init: links, one gone' 6 baseline check $V -s links-state

# The state in the scope is no part of it, however it is named. Above it there
# may be links, as /var may be one.
mkdir own
echo one >own/file
ln -s own through
for state in own/state own/../own/state "$PWD/own/state" through/state/; do
	rm -rf own/state
	run "init: its own state, $state" 0 baseline init $K -s "$state" own
	run "check: its own state, $state" 0 baseline check $V -s "$state"
	run "log: its own state, $state" 0 baseline log --verify $V -s "$state"
done
ln -s state own/link
run 'init: a state that is a link' 18 baseline init $K -s own/link own

# Signed elsewhere.
base 'unsigned' 0 init --unsigned tree
base 'unsigned is not believed' 32 check $V
has 'unsigned is not believed' 'has no signature' "$err"
tocsin report sign -q --key sec state/baseline.db
base 'signed elsewhere' 0 check $V
if command -v minisign >/dev/null; then
	base 'unsigned' 0 init --unsigned tree
	minisign -S -s sec -m state/baseline.db >/dev/null
	base 'signed by minisign' 0 check $V
fi

# A full disk: said, and the last generation stays good.
if [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then
	full=$(unshare --mount --propagation private sh -c '
		mkdir small && mount -t tmpfs -o size=300k none small &&
		cp -a state/. small &&
		head -c 10000000 /dev/zero >small/fill 2>/dev/null
		"$TOCSIN" -c ../empty.yaml baseline accept tree -q -s small \
			--reason x --key sec --pubkey pub 2>&1 >/dev/null
		echo "accept $?"
		rm small/fill
		"$TOCSIN" -c ../empty.yaml baseline check -q -s small \
			--pubkey pub
		echo "check $?"' 2>&1)
	has 'disk full' 'accept 18' "$full"
	has 'disk full: the old one stays' 'check 0' "$full"
fi

# What changes by itself is quiet; but not a link that leads elsewhere now.
if [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then
	roles=$(unshare --mount --propagation private sh -c '
		mkdir etc && mount -t tmpfs none etc &&
		cp /etc/machine-id etc && ln -s ../proc/self/mounts etc/mtab &&
		echo 0 >etc/adjtime && mount --move etc /etc || exit
		"$TOCSIN" -c ../empty.yaml baseline init -q -s roles \
			--key sec /etc
		echo 1 >/etc/adjtime
		"$TOCSIN" -c ../empty.yaml baseline check -q -s roles \
			--pubkey pub
		echo "check $?"
		ln -sfn /tmp/mounts /etc/mtab
		"$TOCSIN" -c ../empty.yaml baseline check -q -s roles \
			--pubkey pub
		echo "check $?"' 2>&1)
	is 'what changes by itself' 'check 0
changed   /etc/mtab  target ../proc/self/mounts -> /tmp/mounts
check 4' "$roles"
fi

# More extended attributes than the kernel lists: said, and the rest of the file
# is covered.
if [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null &&
	command -v python3 >/dev/null; then
	mkdir many
	many=$(unshare --mount --propagation private sh -c '
		mount -t tmpfs none many && echo one >many/file &&
		python3 -c "
import os
for i in range(100000):
    os.setxattr(\"many/file\", f\"trusted.{i}\", b\"v\")
try:
    os.listxattr(\"many/file\")
except OSError as e:
    print(e.strerror)
"
		"$TOCSIN" -c ../empty.yaml baseline init -q -s many-state \
			--key sec many 2>&1
		echo "init $?"
		echo two >many/file
		"$TOCSIN" -c ../empty.yaml baseline check -s many-state \
			--pubkey pub 2>&1
		echo "check $?"' 2>&1)
	if [ "${many%%$'\n'*}" == 'Argument list too long' ]; then
		has '100,000 xattrs: init' \
			'file has more extended attributes than are read' "$many"
		has '100,000 xattrs: init' 'init 0' "$many"
		has '100,000 xattrs: check' 'sha256' "$many"
		has '100,000 xattrs: check' 'check 12' "$many"
	fi
fi
cd ..
