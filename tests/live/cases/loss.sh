# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing is lost: 20,000 processes as fast as two can start them, and 100,000
# files in a watched folder, all in the trace under the right names.
. /tocsin/tests/live/lib.sh
rule_short=loss
rule=$(rule_id run_pid_lock_reboot_created)
spawns=10000 files=50000 # each of two
place=/etc/systemd/system
actor $bin/left
actor $bin/right
# The trace is some hundred megabytes and not kept: of each line only what is
# counted here.
mkfifo $trace
${act%/*}/tally <$trace >$live/seen &
reader=$!
watch_start --record $trace

mark() { # NAME: wait until everything before now has been seen
	as /tmp/mark create /run/$1.lock
	wait_until 120 grep -q "/run/$1.lock" $alerts
	is "loss: $1: the act that came last is seen" \
		grep -q "/run/$1.lock" $alerts
}
both() { # ACTS…: by left and right at the same time
	local a b
	acts $bin/left "${1//SIDE/left}" &
	a=$!
	acts $bin/right "${1//SIDE/right}" &
	b=$!
	wait $a $b
}
T=loss
both "storm $spawns /usr/bin/true SIDE"
mark processes
both "files $files $place/SIDE."
mark files
watch_stop
wait $reader

# Fields of `seen`: action, entity id, name, parent, two arguments, path.
count() { # ACTION SIDE: different programs or files of that side
	awk -v a="$1" -v s="$2" -v f="$place/$2." '
		$1 != a { next }
		a != "creation" && $3 == "true" && $4 == s && $5 == s { print $6 }
		a == "creation" && $3 == s && index($7, f) == 1 { print $7 }
	' $live/seen | sort -u | wc -l
}
is 'loss: 100,000 files were made' same \
	"$(find $place -name '*.[0-9]*' | wc -l)" $((2 * files))
for side in left right; do
	is "loss: $side: $spawns programs started" same \
		"$(count exec $side)" $spawns
	is "loss: $side: $spawns programs ended" same \
		"$(count end $side)" $spawns
	is "loss: $side: $files files created" same \
		"$(count creation $side)" $files
done
is 'loss: 20,000 identities' same \
	"$(awk '$1 == "exec" && $3 == "true" { print $2 }' $live/seen |
		sort -u | wc -l)" $((2 * spawns))
is 'loss: no program under another parent' same \
	"$(awk '$3 == "true" && $5 != $4' $live/seen | head -n 3)" ''
is 'loss: no file under another name' same \
	"$(awk '$7 ~ /system\/(left|right)[.]/ && index($7, "/" $3 ".") == 0' \
		$live/seen | head -n 3)" ''
is 'loss: the watcher tells of none' same \
	"$(grep '^tocsin: lost' $notes)" ''
