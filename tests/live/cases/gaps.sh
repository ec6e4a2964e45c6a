# SPDX-License-Identifier: GPL-2.0-or-later
# What was lost because the kernel's queues were full is found by looking
# again: one hidden act each time, one alert, marked lost, and a gap in the
# database, in the journal and in the status record. TIMES: how often.
. /tocsin/tests/live/lib.sh
. /tocsin/tests/live/lib_gaps.sh
rule_short=gaps
echo 'file_queue: limited' >$live/limited.yaml
own_rule hidden 'process where event.action == "exec" and process.name == "hidden"'

# The watcher reads nothing from now on.
halt() { wait_until 5 has_halted; }
has_halted() {
	kill -STOP $watcher
	grep -q '^State:.T' /proc/$watcher/status
}

# ---- while the kernel's queue was full ------------------------------------

# lost SENSOR TAG OPTION…: more than the queue holds, and then a timer.
lost() {
	local sensor=$1 tag=$2 queue
	shift 2
	queue=$(cat /proc/sys/fs/$sensor/max_queued_events)
	watch_list "$@"
	halt
	acts $bin/flood "files $((queue + 200)) $units/$tag."
	printf "$timer" >$units/$tag.timer
	kill -CONT $watcher
	wait_until 30 has_told $units/$tag.timer
	wait_until 30 is_closed "the kernel''s queue was full%"
	watch_stop
	is "$sensor: a timer behind a full queue: one alert" same \
		"$(told $units/$tag.timer)" "$timer_rule lost creation"
	is "$sensor: the gap is closed" same \
		"$(closed "the kernel''s queue was full%" | cut -d'|' -f1,3,5)" \
		'file events|1|1'
	is "$sensor: the status record counts it" same "$(jq -c \
		'.tocsin.gaps | [.total > 0, .open, .alerts]' \
		$live/state/status.json)" '[true,0,1]'
	is "$sensor: the journal has it" same "$(grep '"action":"gap"' \
		$live/state/log/journal.ndjson | tail -n 1 |
		jq -r '.reason' | sed 's/,.*//;s/ [0-9].*//')" \
		"file events: the kernel's queue was full"
	find $units -name "$tag.[0-9]*" -delete
}
TIMES=${TIMES:-1}
for ((i = 0; i < TIMES; i++)); do
	lost fanotify fan$i -c $live/limited.yaml
	lost inotify inot$i --sensor inotify
done

# ---- while the ring of processes was full ---------------------------------

actor $bin/hidden
actor $bin/storm
for ((i = 0; i < TIMES; i++)); do
	watch_start -r $live/hidden.yml
	( ACT='sleep	60000' exec $bin/storm ) &
	ends=$!
	wait_until 5 is_now $ends storm
	halt
	acts $bin/storm 'storm 12000 /usr/bin/true storm'
	kill $ends
	wait $ends 2>/dev/null
	( ACT='sleep	120000' exec $bin/hidden ) &
	hidden=$!
	wait_until 5 is_now $hidden hidden
	kill -CONT $watcher
	wait_until 10 have_alerts hidden 1
	wait_until 10 is_closed "the kernel''s ring%"
	watch_stop
	is 'ring: the loss is told' has_noted '^tocsin: lost: .*ring was full'
	is 'ring: the program that started meanwhile: one alert' same \
		"$(jq -r '[.rule.id, .tocsin.attribution, .process.pid,
			.process.parent.pid] | join(" ")' $alerts)" \
		"hidden lost $hidden $$"
	is 'ring: the gap is closed' same \
		"$(closed "the kernel''s ring%" | cut -d'|' -f1,3,5)" \
		'process and network events|1|1'
	kill $hidden
done

# ---- what people read -----------------------------------------------------

"$tocsin" baseline log -s $live/state >$live/log.txt
is 'the journal is whole' same $? 0
is 'baseline log shows gaps' grep -q \
	'gap  tocsin watch: file events: .*looked at again: ' $live/log.txt
