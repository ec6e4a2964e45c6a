# SPDX-License-Identifier: GPL-2.0-or-later
# Who did it: pids used again, forks that act before exec, processes that are
# gone by the time anybody looks. A rule of our own alerts on every file.
. /tocsin/tests/live/lib.sh
rule=identity rule_short=id
own_rule identity 'file where event.action == "creation" and file.path like "/run/identity/*"'
place=/run/identity
mkdir $place
watch_start -r $live/identity.yml --record $trace

# A file is named after the program that makes it.
for i in {1..200}; do
	ln "$act" $bin/quick$i 2>/dev/null || actor $bin/quick$i
done
actor $bin/before
actor $bin/after
T=id000x
for i in {1..200}; do
	( ACT=$(words create $place/quick$i) exec $bin/quick$i )
done

# The same pid, fifty programs, one right after the other.
for i in {1..50}; do
	cp $bin/quick1 $bin/reuse$i
done
for i in {1..50}; do
	ACT=$(words spawn-as 30000 $bin/reuse$i reuse$i) \
		ACT_1=$(words create $place/reuse$i) $bin/before
done

# A fork acts, then execs and acts again.
for i in {1..50}; do
	ACT="fork
$(words create $place/before.$i)
$(words exec $bin/after after)" ACT_1=$(words create $place/after.$i) $bin/before
done
# The shell opens the file and then becomes cat; cat opens none.
for i in {1..50}; do
	( exec cat /etc/hostname >$place/bash.$i )
done
touch $place/touch.last

told() {
	jq -r 'select(.rule.id == "identity") | .file.path' $alerts | sort -u |
		wc -l
}
all_told() { [ "$(told)" -ge 401 ]; }
wait_until 5 all_told
settle

wrong() {
	jq -r 'select(.rule.id == "identity" and
		((.file.name | split(".")[0]) != .process.name)) |
		"\(.file.name) by \(.process.name)"' $alerts
}
is 'identity: an alert for each of 401 files' same "$(told)" 401
is 'identity: none twice' same "$(jq -r .file.path $alerts | sort | uniq -d |
	wc -l)" 0
is 'identity: each by the program of its name' same "$(wrong | head -n 20)" ''
is 'identity: a pid used 50 times is 50 processes' same \
	"$(jq -r 'select(.process.pid == 30000) | .process.entity_id' $alerts |
		sort -u | wc -l)" 50
check_replay -r $live/identity.yml
