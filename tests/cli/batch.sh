# SPDX-License-Identifier: GPL-2.0-or-later
# What long commands do besides: progress on a terminal, --nice.

mkdir batch
cd batch || exit 1
mkdir tree
for i in {1..600}; do echo "$i" >"tree/$i"; done
tocsin key generate -q --unencrypted sec pub >/dev/null

# A terminal of our own: what a command writes there.
on_terminal() {
	TERM=xterm script -qec "'$TOCSIN' -c '$work/empty.yaml' $*" /dev/null </dev/null
}
if command -v script >/dev/null; then
	shown=$(on_terminal baseline init -s state --key sec tree | tr '\r' '\n')
	is 'progress: how many' 1 \
		"$(printf '%s\n' "$shown" | grep -c '^25[56] files')"
	is 'progress: what is not known is not guessed' '' \
		"$(printf '%s\n' "$shown" | grep -F '%')"
	shown=$(on_terminal baseline check -s state --pubkey pub | tr '\r' '\n')
	is 'progress: of what the baseline has' 1 "$(printf '%s\n' "$shown" |
		grep -Ec '^25[56] files.*, 42 %, about [0-9]+ s left')"
	shown=$(on_terminal baseline check -s state --pubkey pub \
		--no-progress | tr '\r' '\n')
	is 'progress: never' '' "$(printf '%s\n' "$shown" | grep ' files, .*GiB')"
fi
run 'progress: no terminal' 0 baseline check -s state --pubkey pub
is 'progress: no terminal' 1 "$(printf '%s\n' "$err" | wc -l)"

# --nice: who waits for everybody else, processor and disk, may never end on a
# busy machine. The file is long enough to be still in hand.
truncate -s 200G tree/long
printf 'read_bytes: 1000000000000\n' >long.yaml
chmod 600 long.yaml
"$TOCSIN" -c long.yaml baseline init -q --nice -s nice --key sec tree 2>nice.err &
pid=$!
is_nice() {
	class="$(chrt -p $pid | sed -n 's/.*policy: //p') $(ionice -p $pid)"
	[ "$class" == 'SCHED_IDLE idle' ]
}
wait_until is_nice
is 'nice' 'SCHED_IDLE idle' "$class"
chrt -o -p 0 $pid && kill -KILL $pid
wait $pid 2>/dev/null
is 'nice: what was killed is no baseline' 33 "$(
	"$TOCSIN" -c long.yaml baseline check -q -s nice --pubkey pub 2>/dev/null
	echo $?
)"
cd ..
