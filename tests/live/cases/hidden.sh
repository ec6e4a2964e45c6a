# SPDX-License-Identifier: GPL-2.0-or-later
# Acts that hide behind a loss: of a file that was told of just before, or is
# just after; in the middle of losses that do not end; in the hands of an engine
# that is killed.
. /tocsin/tests/live/lib.sh
units=/etc/systemd/system
flood=${act%/*}/flood
echo 'file_queue: limited' >$live/limited.yaml
own_rule acts 'file where file.path like ("/etc/systemd/system/*.known",
    "/etc/systemd/system/*.new", "/etc/systemd/system/*.made",
    "/etc/systemd/system/killed*")'

# More alerts than standard output takes: the state has all of them.
stored() { db 'SELECT json FROM alerts'; }
# told FILE: attribution and action of what was told of it, once each.
told() {
	stored | jq -r --arg path "$1" 'select(.file.path == $path) |
		[.tocsin.attribution, .event.action] | join(" ")' |
		sort -u | paste -sd,
}
has_told() { # FILE WHAT
	[[ ,$(told "$1"), == *$2,* ]]
}
# is_told WHAT FILE ACT
is_told() {
	wait_until 5 has_told "$2" "$3" || echo "	$2: $(told "$2")"
	is "$1" has_told "$2" "$3"
}
start() { watch_list -r $live/acts.yml "$@"; }
# full SENSOR TAG: more than the queue holds.
full() {
	acts $bin/full "files $(($(cat \
		/proc/sys/fs/$1/max_queued_events) + 200)) $units/$2."
}

# hides SENSOR OPTION…
hides() {
	local sensor=$1 tag=$1
	shift
	echo known >$units/$tag.known
	start "$@"
	# Told, and a moment later changed where nobody sees it.
	chmod 600 $units/$tag.known
	echo new >$units/$tag.new
	wait_until 5 has_told $units/$tag.new ' creation'
	wait_until 5 has_told $units/$tag.new ' modification'
	hold $watcher
	full $sensor $tag
	echo evil >>$units/$tag.known
	echo evil >>$units/$tag.new
	echo evil >$units/$tag.made
	kill -CONT $watcher
	# And told of something else as soon as anybody can see it.
	for i in {1..300}; do
		chmod $((600 + i % 2 * 40)) $units/$tag.made
		sleep 0.005
	done
	wait_until 30 has_noted 'gap closed: file events'
	is_told "$sensor: changed after it was told of" \
		$units/$tag.known 'lost modification'
	is_told "$sensor: written after it was told to be made" \
		$units/$tag.new 'lost [cm]*tion'
	is_told "$sensor: made before it was told of" \
		$units/$tag.made 'lost creation'
	watch_stop
	find $units -name "$tag.*" -delete
}
hides inotify --sensor inotify
hides fanotify -c $live/limited.yaml

# ---- losses without an end ------------------------------------------------

mkdir -p $units/noise
start -c $live/limited.yaml
hold $watcher
full fanotify endless
echo evil >$units/endless.made
"$flood" files 2 $units/noise >$live/count &
flooder=$!
kill -CONT $watcher
is 'losses that do not end: the act is told meanwhile' \
	wait_until 40 has_told $units/endless.made 'lost creation'
is 'losses that do not end: they had not' test -d /proc/$flooder
kill $flooder
wait $flooder
watch_stop
find $units -name 'endless.*' -delete
rm -rf $units/noise

# ---- an engine that is killed ----------------------------------------------

engine_of() {
	local p
	for p in /proc/[0-9]*; do
		[ "$(awk '/^PPid:/ { print $2 }' $p/status 2>/dev/null)" = \
			"$watcher" ] && echo "${p#/proc/}" && return
	done
}
readies() { [ "$(grep -c '^tocsin: ready' $notes)" -ge "$1" ]; }
all_told() {
	stored | jq -r '.file.path' | sort -u >$live/told
	! ls -d $units/killed* | grep -vxFf $live/told >/dev/null
}
closed() {
	same "$(db "SELECT count(*), \
		min(closed_ns > 0) FROM gaps WHERE cause LIKE '%signal 9%'")" \
		"$1|1" >/dev/null
}
start
for round in 1 2 3; do
	engine=$(engine_of)
	acts $bin/full "files 3000 $units/killed$round." &
	flooder=$!
	sleep 0.0$((round * 2))
	kill -KILL "$engine"
	wait $flooder
	wait_until 20 readies $((round + 1))
	is "engine killed: its gap is closed, $round" wait_until 20 closed $round
done
is 'engine killed: everything is told' wait_until 20 all_told
all_told || ls -d $units/killed* | grep -vxFf $live/told | head -n 5
watch_stop

# A program whose start it was given together with a file that takes it
# seconds, and is killed meanwhile.
cat >$live/program.yml <<'END'
rule_id: program
name: a program called hidden
description: a program called hidden has started
type: eql
language: eql
severity: low
risk_score: 1
query: |
  process where event.action == "exec" and process.name == "hidden"
END
echo 'max_file_bytes: 68719476736' >$live/whole.yaml
is_busy() { # PID: has it worked for so many hundredths since?
	[ "$(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat")" -gt \
		$((worked + 30)) ]
}
actor $bin/hidden
truncate -s 64G $live/large
start -r $live/program.yml -c $live/whole.yaml
engine=$(engine_of)
worked=$(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$engine/stat")
# The engine asks for files and programs at once. That it asked for last has its
# answer before there are any.
hold "$engine"
wait_until 5 grep -q '^State:.S' /proc/$watcher/status
( ACT='sleep	300000' exec $bin/hidden ) &
hidden=$!
wait_until 5 grep -q ' hidden$' $ACT_LOG
mv $live/large $units/killed.large
kill -CONT "$engine"
wait_until 10 is_busy "$engine"
is 'program: nothing of it is told yet' same \
	"$(stored | jq -r .rule.id | grep -c program)" 0
kill -KILL "$engine"
: >$units/killed.large
wait_until 20 readies 2
is 'program: it is told by the next engine, once' same \
	"$(stored | jq -r 'select(.rule.id == "program") |
		[.tocsin.attribution, .event.action, .process.pid,
			.process.parent.pid] | join(" ")')" \
	"lost exec $hidden $$"
wait_until 60 has_noted 'gap closed: events it had been given'
alerts_in_gap() {
	[ "$(db "SELECT alerts > 0 FROM gaps
		WHERE cause LIKE '%signal 9%' ORDER BY seq DESC LIMIT 1")" = 1 ]
}
# It is said first and stored with all else of that moment.
is 'program: in the gap of the engine' wait_until 5 alerts_in_gap
kill $hidden
watch_stop

true
