# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing is lost: 20,000 processes as fast as two can start them, and 100,000
# files in a watched folder, all in the trace under the right names.
. /tocsin/tests/live/lib.sh
rule=$(rule_id run_pid_lock_reboot_created) rule_short=loss
pids=()
spawns=10000 files=50000 # each of two
place=/etc/systemd/system
actor $bin/left
actor $bin/right
actor $bin/mark
watch_start --record $trace

mark() { # NAME: wait until everything before now has been seen
	T=mark as /tmp/mark create /run/$1.lock
	wait_until 60 grep -q "/run/$1.lock" $alerts
	is "$rule_short: $1: the act that came last is seen" \
		grep -q "/run/$1.lock" $alerts
}

for side in left right; do
	acts $bin/$side "storm $spawns /usr/bin/true $side" &
	pids[${#pids[@]}]=$!
done
wait "${pids[@]}"
mark processes
pids=()
for side in left right; do
	acts $bin/$side "files $files $place/$side." &
	pids[${#pids[@]}]=$!
done
wait "${pids[@]}"
mark files
watch_stop

# Every number once, under the parent that gave it.
count() { # FILTER
	jq -r "$1" $trace | sort -u | wc -l
}
for side in left right; do
	is "loss: $side: $spawns execs" same "$(count 'select(
		.event.action == "exec" and .process.name == "true" and
		.process.args[0] == "'$side'" and
		.process.parent.name == "'$side'") | .process.args[1]')" $spawns
	is "loss: $side: $files files, by the right process" same "$(count 'select(
		.event.action == "creation" and .process.name == "'$side'" and
		(.file.path | startswith("'$place/$side'."))) | .file.path')" $files
done
is 'loss: 20,000 processes ended' same "$(count 'select(
	.event.action == "end" and .process.name == "true") |
	.process.entity_id')" $((2 * spawns))
is 'loss: none attributed to another' same "$(count 'select(
	.event.action == "creation" and .file.directory == "'$place'" and
	((.file.name | split(".")[0]) != .process.name)) | .file.path')" 0
is 'loss: the watcher tells of none' same "$(grep -c '^tocsin: lost' $notes)" 0
