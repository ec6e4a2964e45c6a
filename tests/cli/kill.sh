# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 at random moments of init, accept and restore, KILLS times in all
# (default 60), the same ones for the same SEED as far as the host's load lets
# them be: afterwards the last generation or the new one is there, whole.

mkdir kill
cd kill || exit 1
mkdir tree
for i in $(seq 40); do seq "$i" $((i * 200)) >tree/f$i; done
chmod -R go-w tree
printf 'keep: ["%s/tree/**"]\npublic_keys: [%s/pub]\n' "$PWD" "$PWD" >keep.yaml
chmod 600 keep.yaml
tocsin key generate --unencrypted sec pub >/dev/null
chmod 644 pub
O="-q -c keep.yaml -s state"
base() { "$TOCSIN" baseline "$@" $O; }
kills=${KILLS:-60} seed=${SEED:-1}
RANDOM=$seed

# milliseconds COMMAND…
milliseconds() {
	local start=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1
	echo $(((${EPOCHREALTIME/./} - start) / 1000))
}

# killed ACTION…: at some moment of it, or just after. How long it takes is learned
# anew each time: the host may have more or less else to do than before.
declare -A took
killed() {
	local wait_ms pid took_ms=${took[$1]:-$first_ms}
	wait_ms=$((RANDOM % (took_ms + took_ms / 4 + 1)))
	"$TOCSIN" baseline "$@" $O >/dev/null 2>&1 &
	pid=$!
	sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
	if kill -KILL $pid 2>/dev/null; then
		early=$((early + 1))
		[ $wait_ms -le $took_ms ] || took_ms=$wait_ms
	else
		[ $wait_ms -ge $took_ms ] || took_ms=$wait_ms
	fi
	took[$1]=$took_ms
	wait $pid
}

# whole: what is there now, verified by two programs and read to the end.
whole() {
	local n
	n=$(base list 2>&1 | wc -l)
	[ "$n" -eq 41 ] || { wrong+=" list:$n"; return; }
	base log --verify >err 2>&1 || { wrong+=" log:$(cat err)"; return; }
	[ -e state/baseline.db.minisig.next ] && return # between two renames
	command -v minisign >/dev/null || return
	minisign -Vqm state/baseline.db -p pub 2>err || wrong+=" minisign:$(cat err)"
}

early=0 wrong=
base init --key sec tree || wrong+=' init'
cp tree/f7 good
first_ms=$(milliseconds base init --key sec tree)
for ((k = 0; k < kills; k++)); do
	case $((k % 3)) in
	0) killed init --key sec tree ;;
	1)
		echo $k >>tree/f3
		killed accept tree --reason x --key sec
		;;
	2)
		echo "$k" >tree/f7
		killed restore tree/f7
		cmp -s tree/f7 good || [ "$(cat tree/f7)" == "$k" ] ||
			wrong+=" half:$k"
		cp good tree/f7
		rm -f tree/.tocsin-*
		;;
	esac
	whole
	# What was killed is in nobody's way.
	((k % 10)) || base accept tree --reason y --key sec >err 2>&1 ||
		wrong+=" then:$(cat err)"
done 2>/dev/null
echo "cli: $kills kills, $early in time, seed $seed"
is "kill -9: old or new, and whole" '' "$wrong"
is 'kill -9: in time, many of them' 1 $((early > kills / 4))

# Who reads while somebody writes sees the old one or the new one.
i=0
until { [ $((i += 1)) -gt 60 ] && [ -e often ]; } || [ $i -gt 6000 ]; do
	"$TOCSIN" baseline accept tree/f3 --reason x --key sec $O || echo $?
done >writer 2>&1 &
wrong= reads=0
while kill -0 $! 2>/dev/null; do
	base list >err 2>&1 || wrong+=" $?:$(cat err)"
	reads=$((reads + 1))
	[ $reads -le 20 ] || : >often
done
wait $!
is 'read while written' '' "$wrong"
is 'read while written: often' 1 $((reads > 20))
is 'written while read' '' "$(cat writer)"
base accept tree --reason x --key sec
base check --exit-zero >/dev/null
is 'kill -9: then goes on' 0 $?
cd ..
