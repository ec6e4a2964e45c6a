# SPDX-License-Identifier: GPL-2.0-or-later
# A signed configuration: signed by minisign and by tocsin; changed, cut,
# exchanged, turned back, unsigned. trust.sh, before this, has taken() and
# watch_begins().

mkdir trust_config && cd trust_config || exit 1
mkdir set
cp "$root"/rules/linux/lists.yml "$root"/rules/linux/systemd_timer_created.yml set
chmod -R go-w set
cat >c.yaml <<-EOF
	rules: [$PWD/set]
	sensors: [poll]
	heartbeat: 0s
EOF
chmod 600 c.yaml
tocsin key generate --unencrypted k.key k.pub >/dev/null
tocsin key generate --unencrypted o.key o.pub >/dev/null
rows() { # CODE NAME: any command that reads the configuration
	local got
	err=$("$TOCSIN" rules list -c c.yaml "${@:3}" 2>&1 >/dev/null)
	got=$?
	is "configuration: $2: exit code" "$1" "$got"
	[ "$1" -eq 0 ] || is "configuration: $2: one line" 1 "$(wc -l <<<"$err")"
}
sign() { tocsin report sign c.yaml --key "${1:-k.key}" >said 2>&1; }

# A key on the command line, as a file or itself.
rows 0 'no key, no signature'
rows 32 'a key, no signature' --config-key k.pub
has 'configuration: a key, no signature' 'c.yaml: has no signature' "$err"
sign
line=$(tail -n 1 k.pub)
rows 0 'signed by tocsin' --config-key k.pub
rows 0 'signed by tocsin, the key itself' --config-key "$line"
rows 32 'another key' --config-key o.pub
has 'configuration: another key' 'a key that is not trusted' "$err"
rows 0 'one of two keys' --config-key o.pub --config-key k.pub
rows 18 'no such key' --config-key none.pub
chmod g+w k.pub
rows "$([ "$(id -u)" -eq 0 ] && echo 17 || echo 32)" \
	'a key that others may write' --config-key k.pub
chmod g-w k.pub
rows 32 'a file that is no key' --config-key c.yaml

# Beside it; every command that reads it asks.
cp k.pub trusted.pub
rows 0 'beside'
out=$("$TOCSIN" doctor -c c.yaml -s st)
has 'doctor says whose it is' "signed by key $(tocsin key show k.pub |
	sed -n 's/^key id *//p')" "$out"
echo '# more' >>c.yaml
for command in 'rules list' doctor 'scan set' 'replay /dev/null' \
	'baseline check' 'baseline list' 'report verify said' watch; do
	run "changed: $command" 32 -c c.yaml -s st $command
	is "changed: $command: one line" 'c.yaml: is not what was signed' "$err"
done
sign
taken 'signed anew' 25
rm trusted.pub
ln -s k.pub trusted.pub
rows 18 'a link as a key'
rm trusted.pub
: >trusted.pub
rows 32 'an empty key'
rm trusted.pub
mkdir trusted.pub
rows 32 'a folder as a key'
rmdir trusted.pub
cp k.pub trusted.pub

# Every bit counts, but for the first line of a signature, which says nothing.
RANDOM=1
flip() { # FILE BYTE BIT
	local was
	was=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %x $((was ^ (1 << $3))))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
back() { cp good c.yaml && cp good.minisig c.yaml.minisig; }
cp c.yaml good && cp c.yaml.minisig good.minisig
missed=
skip=$(head -n 1 good.minisig | wc -c)
for i in $(seq 200); do
	file=c.yaml from=0
	[ $((i % 2)) -eq 0 ] || { file=c.yaml.minisig from=$skip; }
	at=$((from + RANDOM % ($(stat -c %s $file) - from))) bit=$((RANDOM % 8))
	flip $file $at $bit
	! cmp -s good c.yaml || ! cmp -s good.minisig c.yaml.minisig ||
		missed="$missed none"
	"$TOCSIN" rules list -c c.yaml >/dev/null 2>&1
	[ $? -eq 32 ] || missed="$missed $file:$at:$bit"
	back
done
is 'configuration: 200 bits flipped: all found' '' "$missed"
missed=
for file in c.yaml c.yaml.minisig; do
	for i in $(seq 0 7 $(($(stat -c %s $file) - 1))); do
		truncate -s "$i" $file
		"$TOCSIN" rules list -c c.yaml >/dev/null 2>&1
		[ $? -eq 32 ] || missed="$missed $file:$i"
		back
	done
done
is 'configuration: cut anywhere: found' '' "$missed"
rm c.yaml
rows 32 'removed'
has 'configuration: removed' 'is missing, and a signed one is asked for' "$err"
cp -p good c.yaml
rows 0 'back'
rm c.yaml.minisig
rows 32 'its signature removed'
echo 'state: /x' >other && tocsin report sign other --key k.key 2>/dev/null
cp other.minisig c.yaml.minisig
rows 32 'the signature of another file'
back
sign o.key
rows 32 'signed by another key'
back

# minisign's own; and what it says of ours.
if command -v minisign >/dev/null; then
	is 'minisign takes what tocsin signed' 0 \
		"$(minisign -qVm c.yaml -p k.pub >/dev/null 2>&1; echo $?)"
	minisign -S -s k.key -m c.yaml >said 2>&1
	rows 0 'signed by minisign'
	minisign -S -s k.key -m c.yaml -t 'no time' >said 2>&1
	rows 32 'no time'
	has 'configuration: no time' 'timestamp' "$err"
	back
else
	echo 'SKIPPED: no minisign here: its configurations were NOT tested' >&2
fi

# Turned back: the journal knows of a later one.
sleep 1.1
echo '# newer' >>c.yaml
sign
cp c.yaml new && cp c.yaml.minisig new.minisig
taken 'a newer one' 25
is 'the journal knows both' "$(sha256sum good new | cut -c 1-64)" \
	"$(jq -r 'select(.action == "configuration").detail.sha256' \
		st/log/journal.ndjson)"
back
taken 'turned back' 32
has 'turned back' 'c.yaml: was turned back' "$err"
for command in 'scan set' 'baseline check'; do
	run "turned back: $command" 32 -c c.yaml -s st $command
done
rows 0 'turned back, and no state to ask'
# Without the pin it is taken, and said; with it, the old one still is not.
rm trusted.pub
watch_begins
kill $! && wait $!
has 'no longer asked for: said' 'was signed before' "$(cat noise)"
is 'no longer asked for: on record' 0 "$(jq -r \
	'select(.action == "configuration").detail.signed' \
	st/log/journal.ndjson | tail -n 1)"
cp k.pub trusted.pub
taken 'turned back, with a pause' 32
cp new c.yaml && cp new.minisig c.yaml.minisig
taken 'the newer one again' 25

# Keys inside it are vouched for by it.
printf 'public_keys: ["%s"]\n' "$line" >>c.yaml
sign
run 'a key in the configuration' 0 -c c.yaml report verify new
sed -i 's/^public_keys.*/public_keys: ["RWwrong"]/' c.yaml
sign
run 'a key that is none' 17 -c c.yaml rules list
has 'a key that is none' 'wants absolute paths or public keys' "$err"
cd .. || exit 1
