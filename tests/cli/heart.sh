# SPDX-License-Identifier: GPL-2.0-or-later
# Signs of life of the watcher: killed, stopped, killed many times; minisign
# and sha256sum are asked, too.

mkdir heart && cd heart || exit 1
tocsin key generate --unencrypted h.key h.pub >/dev/null
tocsin key generate --unencrypted o.key o.pub >/dev/null
cat >c.yaml <<-EOF
	heartbeat: 1s
	heartbeat_key: $PWD/h.key
	sensors: [poll]
EOF
chmod 600 c.yaml
watcher() { "$TOCSIN" watch -q -c c.yaml -s st "$@" >alerts 2>noise & }
log=st/log/journal.ndjson
alive=st/log/alive.ndjson
# A busy host may hold it up for longer than it had promised, which it says;
# and what happened while it was away is a gap.
actions() {
	jq -r 'select((.detail.why // "") | startswith("the watcher was held") |
		not) | select(.action != "gap") | .action' $log 2>/dev/null |
		xargs
}
has_words() { [ "$("${@:2}" | wc -w)" -ge "$1" ]; }
# until_words N COMMAND…: there are so many words.
until_words() { wait_until has_words "$@"; }
beats() { jq -r .action $alive 2>/dev/null; }
# in_state LETTERS PID: of /proc/PID/status, or there is none any more.
in_state() {
	local state
	state=$(sed -n 's/^State:.\(.\).*/\1/p' "/proc/$2/status" 2>/dev/null)
	[[ -z $state || $1 == *"$state"* ]]
}
# Both of its processes at once: the first, once stopped, starts no other. Then
# nobody writes any more.
slay() {
	local engine child
	kill -STOP $! 2>/dev/null
	wait_until in_state TZX $!
	engine=$(cat "/proc/$!/task/$!/children" 2>/dev/null)
	# shellcheck disable=SC2086
	kill -STOP $engine 2>/dev/null
	# shellcheck disable=SC2086
	kill -KILL $! $engine 2>/dev/null
	wait $! 2>/dev/null
	for child in $engine; do
		wait_until in_state ZX "$child"
	done
}

watcher && until_words 1 beats
slay
is 'killed: nothing says it was stopped' 'watch-start' "$(actions)"
watcher && until_words 3 actions && until_words 2 beats
kill $! && wait $!
is 'killed, then stopped' 'watch-start silence watch-start watch-stop' \
	"$(actions)"
has 'killed: told' 'without being stopped' "$(cat $log)"
run 'verified without a baseline' 33 baseline log -s st --verify \
	--pubkey h.pub
run 'shown' 0 baseline log -s st
has 'shown' 'no sign of life for' "$out"

# The chain, by others' means.
while read -r line; do
	content=${line%,\"digest\":*}
	is 'digest of a record' "$(jq -r .digest <<<"$line")" \
		"$(printf %s "$content" | sha256sum | cut -d' ' -f1)"
	# Gaps are vouched for by the signed record behind them.
	[ "$(jq -r .action <<<"$line")" != gap ] || continue
	if command -v minisign >/dev/null; then
		printf %s "${line%%,\"signature\":*}" >record
		jq -r .signature <<<"$line" >record.minisig
		is 'minisign takes a record' 0 \
			"$(minisign -qVm record -p h.pub >/dev/null 2>&1; echo $?)"
	fi
done < <(cat $log $alive)

run 'another key' 32 baseline log -s st --verify --pubkey o.pub
is 'another key: one line' 1 "$(wc -l <err)"
cp $alive saved
sed -i '1s/alive/Alive/' $alive
run 'a sign of life changed' 32 baseline log -s st --verify --pubkey h.pub
is 'a sign of life changed: one line' 1 "$(wc -l <err)"
cp saved $alive
sed -i '$d' $log # the stop
run 'the stop taken out is silence' 33 baseline log -s st --verify \
	--pubkey h.pub
watcher && until_words 5 actions
kill $! && wait $!
is 'the stop taken out is silence' \
	'watch-start silence watch-start silence watch-start watch-stop' \
	"$(actions)"

watcher && until_words 7 actions
kill -9 $! && wait $! 2>/dev/null
until_words 8 actions
is 'half of it killed: the other half says so' watch-killed \
	"$(actions | awk '{ print $NF }')"

# Kills at any time.
for i in $(seq "${KILLS:-8}"); do
	watcher
	sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	slay
	run "verified behind kill $i" 33 baseline log -s st --verify \
		--pubkey h.pub
done

echo 'heartbeat_key: /nowhere/key' >>c.yaml
sed -i '2d' c.yaml
"$TOCSIN" watch -q -c c.yaml -s st >alerts 2>noise
is 'no such key' 18 $?
tocsin key generate --passphrase-fd 3 l.key l.pub 3<<<'words' >/dev/null
sed -i "s|/nowhere/key|$PWD/l.key|" c.yaml
"$TOCSIN" watch -q -c c.yaml -s st >alerts 2>noise </dev/null
is 'a key with a passphrase: one line' 1 "$(grep -c passphrase noise)"
cd .. || exit 1
