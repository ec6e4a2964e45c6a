# SPDX-License-Identifier: GPL-2.0-or-later
# What happened while the watcher did not run is found at the next start, after
# a clean stop and after a kill: the same alerts, marked offline, in a gap that
# says which it was.
. /tocsin/tests/live/lib.sh
. /tocsin/tests/live/lib_gaps.sh
rule_short=offline
motd=/etc/update-motd.d
motd_rule=$(rule_id motd_script_changed)
pid_rule=$(rule_id run_pid_lock_reboot_content)

# A second after its last event a file is remembered as it is.
remembered() { # PATH
	db "SELECT count(*) FROM files JOIN dirs ON dir = id
		WHERE path || '/' || name = '$1'"
}
is_remembered() { [ "$(remembered "$1")" = 1 ]; }
is_forgotten() { [ "$(remembered "$1")" = 0 ]; }

printf "$timer" >$units/older.timer
printf '#!/bin/sh\necho older\n' >$motd/50-older
printf '#!/bin/sh\necho moved\n' >$motd/51-moves
# What is told is final when it has stopped; and until then whoever reads its
# database, as root, is told, too.
watch_list
watch_stop
is 'first start: what is there is taken as it is' same \
	"$(wc -l <$alerts)" 0
is 'first start: said' has_noted 'tocsin: first start: [0-9]* files are as'
is 'first start: no gap' same "$(db 'SELECT count(*) FROM gaps')" 0
is 'first start: every file is remembered' is_remembered $units/older.timer
is 'first start: with its facts' same "$(db "SELECT mode, uid, gid, size, inode,
	written_ns / 1000000000, changed_ns / 1000000000 FROM files
	JOIN dirs ON dir = id WHERE name = 'older.timer'" | tr '|' ' ')" \
	"$(stat -c '%f %u %g %s %i %Y %Z' $units/older.timer |
		{ read -r mode rest; echo "$((16#$mode)) $rest"; })"

watch_list
printf "$timer" >$units/told.timer
printf "$timer" >$units/brief.timer
rm $units/brief.timer
wait_until 5 has_told $units/told.timer
wait_until 5 is_remembered $units/told.timer
is 'what is told is remembered' is_remembered $units/told.timer
watch_stop
is 'what has gone is not' is_forgotten $units/brief.timer
watch_list
watch_stop
is 'nothing has happened: nothing is told' same "$(wc -l <$alerts)" 0
is 'the time in between is a gap, closed' same "$(closed offline%)" \
	'everything|offline: stopped cleanly|1|0|0'

# away HOW SIGNAL CAUSE: acts while it is away.
away() {
	local tag=$1
	watch_stop $2
	printf "$timer" >$units/$tag.timer
	printf '#!/bin/sh\necho %s\n' $tag >$motd/60-$tag
	actor /run/$tag.pid
	echo "# $tag" >>$motd/50-older
	mv $motd/51-moves* $motd/51-moves-$tag
	watch_list
	has_journaled() { # ten seconds later, with what may follow
		grep -q "\"reason\":\"everything: offline: $1, looked at again: [0-9]* changes, 5 alerts" \
			$live/state/log/journal.ndjson
	}
	wait_until 15 has_journaled "$3"
	is "$tag: the journal has the gap" has_journaled "$3"
	is "$tag: a timer: one alert" same "$(told $units/$tag.timer)" \
		"$timer_rule offline creation"
	is "$tag: a motd script: one alert" same "$(told $motd/60-$tag)" \
		"$motd_rule offline creation"
	is "$tag: a pid file that is a program: one alert" same \
		"$(told /run/$tag.pid)" "$pid_rule offline creation"
	is "$tag: with the facts of the file" same "$(jq -r --arg f /run/$tag.pid \
		'select(.file.path == $f) | .file.hash.sha256' $alerts)" \
		"$(sha256sum </run/$tag.pid | cut -d' ' -f1)"
	is "$tag: a script was changed: one alert" same \
		"$(told $motd/50-older)" "$motd_rule offline modification"
	is "$tag: a script was renamed: one alert" same \
		"$(told $motd/51-moves-$tag)" "$motd_rule offline rename"
	is "$tag: and no other" same "$(wc -l <$alerts)" 5
	is "$tag: so has the database, and what was found" same \
		"$(closed offline% | cut -d'|' -f1-3,5)" \
		"everything|offline: $3|1|5"
}
watch_list
away stopped TERM 'stopped cleanly'
away killed KILL 'killed or crashed'

# Rules that look elsewhere as well: what is there is not news.
mkdir -p /srv/other
touch /srv/other/older
watch_stop
own_rule other 'file where file.path like "/srv/other/*"'
watch_list -r /tocsin/rules/linux -r $live/other.yml
watch_stop
is 'other rules: nothing is told of what they find' same "$(wc -l <$alerts)" 0
touch /srv/other/newer
watch_list -r /tocsin/rules/linux -r $live/other.yml
wait_until 5 has_told /srv/other/newer
watch_stop
is 'other rules: from then on it is' same "$(told /srv/other/newer)" \
	'other offline creation'

# Whoever looks: what happened while nobody did is found.
for sensor in inotify poll; do
	printf "$timer" >$units/by-$sensor.timer
	watch_list --sensor $sensor
	wait_until 5 has_told $units/by-$sensor.timer
	watch_stop
	is "$sensor: a timer: one alert" same \
		"$(told $units/by-$sensor.timer)" "$timer_rule offline creation"
done

# Programs: who began meanwhile and still runs is told once, with its parent; who
# was told before is not told again, whatever the end was; nor is one that has
# always run.
own_rule program 'process where event.action == "exec" and
    process.name in ("hidden", "nc")'
web_rule=$(rule_id web_server_command)
cp "$(command -v sleep)" $bin/nc
cp "$(command -v sleep)" $bin/hidden
programs() {
	jq -r 'select(.event.category[0] == "process") | [.rule.id,
		.tocsin.attribution, .event.action, .process.pid,
		.process.parent.name] | join(" ")' $alerts | sort
}
watch_programs() { watch_list -r $live/program.yml -r /tocsin/rules/linux "$@"; }
has_programs() { [ "$(programs | wc -l)" -ge "$1" ]; }
pid_of() { # NAME
	local dir name
	for dir in /proc/[0-9]*; do
		read -r name 2>/dev/null <$dir/comm && [ "$name" = "$1" ] &&
			echo ${dir#/proc/}
	done
}
runs() { [ -n "$(pid_of "$1")" ]; }

# programs_away SIGNAL OPTION…
programs_away() {
	local how="$*" older newer
	watch_programs "${@:2}"
	$bin/hidden 1000 &
	older=$!
	wait_until 5 has_programs 1
	watch_stop $1
	is "$how: a program is told" test "$(programs | wc -l)" -eq 1
	$bin/hidden 1000 &
	newer=$!
	$bin/hidden 0 # leaves nothing to find
	starts /usr/sbin/nginx -- $bin/nc 1000 &
	wait_until 5 is_now $newer hidden
	wait_until 5 runs nc
	watch_programs "${@:2}"
	wait_until 5 has_programs 3
	wait_until 10 has_closed offline% 3
	is "$how: in the gap" has_closed offline% 3
	watch_stop $1
	is "$how: what began meanwhile is told, once" same "$(programs)" "$(sort <<-END
		program lost exec $newer bash
		program lost exec $(pid_of nc) nginx
		$web_rule lost exec $(pid_of nc) nginx
	END
	)"
	watch_programs "${@:2}"
	watch_stop
	is "$how: and not by the next" same "$(programs)" ''
	kill $older $newer $(pid_of nc)
	wait
}
has_closed() { [ "$(closed "$1" | cut -d'|' -f5)" -ge $2 ]; }
programs_away TERM
programs_away KILL
programs_away TERM --sensor poll

# From the last that the run before told of to the first of this one's sensor
# there is no moment in which nobody looks; and whoever became another program in
# that time is known as that one.
own_rule ended 'process where event.action == "end" and process.name == "hidden"'
watch_programs
watch_stop
(
	until [ -e $live/enough ]; do
		env $bin/hidden 1000 &
		echo $! >>$live/started
		sleep 0.005
	done
) &
starter=$!
wait_until 5 test -s $live/started
wait_until 5 is_now "$(head -n 1 $live/started)" hidden
watch_programs -r $live/ended.yml
# of RULE FIELD: of its alerts.
of() { programs | awk -v rule="$1" -v n="$2" '$1 == rule { print $n }' | sort; }
by_sensor() { of program 2 | grep -q kernel; }
wait_until 10 by_sensor
touch $live/enough
wait $starter
untold() { of program 4 | comm -13 - <(sort $live/started) | wc -l; }
all_told() { [ "$(untold)" = 0 ]; }
wait_until 10 all_told
is 'start: each program is told, whenever it began' same "$(untold)" 0
xargs kill <$live/started
all_ended() { of ended 4 | cmp -s - <(sort $live/started); }
is 'start: by the program that it became' wait_until 10 all_ended
watch_stop
is 'start: once' same "$(of program 4 | uniq -d | wc -l)" 0
is 'start: some by the sensor, some as lost' same \
	"$(of program 2 | uniq | paste -sd' ')" 'kernel lost'
of program 2 | uniq -c

# Of another boot all are new, but for those of the kernel's own.
$bin/hidden 1000 &
older=$!
wait_until 5 is_now $older hidden
watch_programs
watch_stop
sqlite3 $live/state/state.db \
	"UPDATE meta SET value = value + 1 WHERE name = 'told_boot'"
watch_programs
wait_until 5 has_programs 1
watch_stop
is 'another boot: what runs has begun since' same "$(programs)" \
	"program lost exec $older bash"
kill $older
wait

true
