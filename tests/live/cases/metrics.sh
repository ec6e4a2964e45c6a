# SPDX-License-Identifier: GPL-2.0-or-later
# Figures for Prometheus, and the share of a processor that is kept to.
. /tocsin/tests/live/lib.sh
rule=$(rule_id run_pid_lock_reboot_created) rule_short=metrics T=metrics
severity=$(sed -n 's/^severity: *//p' \
	/tocsin/rules/linux/run_pid_lock_reboot_created.yml)
mkdir /srv/figures
chown root:33 /srv/figures
chmod 2750 /srv/figures
figures=/srv/figures/tocsin.prom
unset NOTIFY_SOCKET

# value NAME{LABELS}
value() { awk -v n="$1" 'index($0, n " ") == 1 { print $NF }' $figures; }
sum() { awk -v n="$1" 'index($0, n "{") == 1 { s += $NF } END { print s + 0 }' $figures; }

# The format, strictly: a family is HELP, TYPE and its samples in one piece,
# with names, labels and numbers as they must be; no sample is there twice.
format_wrong() {
	awk '
	function bad(why) { print FILENAME ":" NR ": " why ": " $0 }
	/^# HELP / { if (seen[$3]++) bad("family again"); family = $3; type = ""; next }
	/^# TYPE / {
		if ($3 != family) bad("TYPE of another")
		if ($4 !~ /^(counter|gauge)$/) bad("type")
		type = $4
		if ((type == "counter") != ($3 ~ /_total$/)) bad("_total")
		next
	}
	{
		if (type == "") bad("sample without TYPE")
		name = $0; sub(/[{ ].*/, "", name)
		if (name != family) bad("sample of another family")
		if ($0 !~ /^tocsin_[a-z_]+(\{[a-z]+="([^"\\]|\\["\\n])*"(,[a-z]+="([^"\\]|\\["\\n])*")*\})? [0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$/)
			bad("sample")
		sample = $0; sub(/ [^ ]*$/, "", sample)
		if (samples[sample]++) bad("sample again")
		n++
	}
	END { if (n < 20) print "only " n + 0 " samples" }' $figures
	[ -z "$(tail -c 1 $figures)" ] || echo 'no line end'
}

watch_start --metrics $figures
wait_until 5 test -s $figures
is 'metrics: up' same "$(value tocsin_up)" 1
is 'metrics: the format' same "$(format_wrong)" ''
is 'metrics: for owner and group of the folder' same \
	"$(stat -c '%a %u:%g' $figures)" '640 0:33'
is 'metrics: directories, as it said itself' same \
	"$(value tocsin_watched_directories)" \
	"$(sed -n 's/^tocsin: ready: .* \([0-9]*\) directories.*/\1/p' $notes)"
is 'metrics: every rule is there before it alerts' same \
	"$(grep -c '^tocsin_rule_alerts_total{.*} 0$' $figures)" \
	"$(value tocsin_rules)"
old=$(stat -c %i $figures)
for i in 1 2 3; do
	as /tmp/mark create /run/metrics.$i.lock
done
wait_until 5 have_alerts "$rule" 3
watch_stop
is 'metrics: the end is written' same "$(value tocsin_up)" 0
is 'metrics: a new file, not a changed one' \
	test "$(stat -c %i $figures)" != "$old"
is 'metrics: nothing else is left in the folder' same "$(ls -A /srv/figures)" \
	tocsin.prom
is 'metrics: the format at the end' same "$(format_wrong)" ''
is 'metrics: alerts are those in the output' same \
	"$(value tocsin_alerts_total)" "$(wc -l <$alerts)"
is 'metrics: and those of the rule' same \
	"$(value "tocsin_rule_alerts_total{rule=\"$rule\",severity=\"$severity\"}")" \
	3
is 'metrics: all rules together' same "$(sum tocsin_rule_alerts_total)" \
	"$(value tocsin_alerts_total)"
is 'metrics: a match was evaluated first' test \
	"$(sum tocsin_rule_evaluations_total)" -ge "$(sum tocsin_rule_matches_total)"
status() { jq -r "$1" $live/state/status.json; }
is 'metrics: the status record has a cost for each of ten rules at most' same \
	"$(status '.tocsin.costs | length >= 1 and length <= 10')" true
is 'metrics: of rules in force' same "$(status '.tocsin.costs[].rule' |
	while read -r id; do
		grep -c "^tocsin_rule_evaluations_total{rule=\"$id\"" $figures
	done | sort -u)" 1
is 'metrics: evaluations as in the figures' same \
	"$(status '.tocsin.costs[0] | .rule, .evaluations' | paste -sd' ')" \
	"$(id=$(status '.tocsin.costs[0].rule') &&
		echo "$id $(grep "^tocsin_rule_evaluations_total{rule=\"$id\"" \
			$figures | sed 's/.* //')")"
is 'metrics: the dearest first' same \
	"$(status '[.tocsin.costs[] | .spent_ns] | . == (sort | reverse)')" true
is 'metrics: files were seen' test \
	"$(value 'tocsin_sensor_events_total{sensor="fanotify"}')" -ge 3
is 'metrics: programs were seen' test \
	"$(value 'tocsin_sensor_events_total{sensor="bpf"}')" -ge 6

# The keeper writes them, for one engine as for the next.
watch_start --metrics $figures
up() { [ "$(value tocsin_up)" = 1 ]; }
wait_until 5 up
first=$(value tocsin_start_time_seconds)
kill -KILL "$(pgrep -P $watcher)"
renewed() { [ "$(value tocsin_start_time_seconds)" != "$first" ]; }
wait_until 20 renewed
is 'metrics: an engine was killed' grep -q 'ended by signal 9' $notes
is "metrics: the next engine's figures are there" renewed
is 'metrics: an engine that was killed: the next one has them' \
	same "$(value tocsin_up)" 1
is 'metrics: the format then' same "$(format_wrong)" ''
watch_stop
is 'metrics: the end of the next one is written' same "$(value tocsin_up)" 0

# Nobody is left to write that it is down: the figures' age says so.
watch_start --metrics $figures
wait_until 5 up
kill -KILL $watcher
wait $watcher 2>/dev/null
is 'metrics: a keeper that was killed leaves it up' same "$(value tocsin_up)" 1
# Times of files come from a coarser clock: some milliseconds.
is 'metrics: when they were written is among them' \
	awk -v t="$(value tocsin_written_timestamp_seconds)" \
	-v file="$(stat -c %.9Y $figures)" \
	'BEGIN { exit !(t < file + 0.1 && t > file - 10) }'

# A folder that goes away is said once, and the monitor goes on.
watch_start --metrics /nowhere/x.prom
wait_until 5 grep -q 'figures cannot be written' $notes
watch_stop
is 'metrics: not to be written: once' same \
	"$(grep -c '/nowhere/x.prom: the figures cannot be written: No such file' $notes)" 1
is 'metrics: not to be written: it ran' same $watch_code 25

# ---- the budget -------------------------------------------------------------

rule_short=budget
ticks() { # of the processor, user and system; proc_pid_stat(5)
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' /proc/$watcher/stat
}
cat >$live/budget.yaml <<-END
	budget: 5
	metrics: $figures
END
chmod 600 $live/budget.yaml
rm $figures
watch_start -c $live/budget.yaml
used=$(ticks) began=$EPOCHREALTIME
# As much as takes seconds to read, and less than the kernel's ring has room
# for, if nothing is read meanwhile.
acts $bin/left "storm 2000 /usr/bin/true left" &
storm=$!
acts $bin/right "files 15000 /etc/systemd/system/right." &
files=$!
for i in $(seq 40); do
	as /tmp/mark-$i create /run/budget.$i.lock
done
wait $storm $files
as /tmp/mark create /run/budget.last.lock
wait_until 240 grep -q budget.last $alerts
used=$(($(ticks) - used))
is 'budget: it is said that events had to wait' grep -q \
	'^tocsin: delayed: events waited [0-9.]* s to keep to 5 % of a processor' $notes
is 'budget: all is alerted, each with its author' same "$(
	jq -r 'select(.rule.id == "'"$rule"'") |
		[.process.name, .file.path] | join(" ")' $alerts | sort)" "$(
	for i in $(seq 40); do echo "mark-$i /run/budget.$i.lock"; done |
		cat - <(echo mark /run/budget.last.lock) | sort)"
# What it owes still is not more than one reading of the queues.
awk -v used=$used -v hz="$(getconf CLK_TCK)" -v a="$began" -v b="$EPOCHREALTIME" \
	'BEGIN { printf "budget: %.2f s of %.1f s\n", used / hz, b - a
		exit !(used / hz < 0.05 * (b - a) + 1) }'
is 'budget: the share' same $? 0
watch_stop
is 'budget: stops at once' same $watch_code 25
is 'budget: the figures have it' same "$(value tocsin_budget_ratio)" 0.05
is 'budget: and the delay' awk -v d="$(value tocsin_delayed_seconds_total)" \
	'BEGIN { exit !(d > 0.5) }'
is 'budget: nothing was lost' same "$(value tocsin_events_lost_total)" 0
timeout 100 "$tocsin" watch --budget 5% -s $live/state >/dev/null 2>$live/err
is 'budget: not a number: exit code' same $? 16
is 'budget: not a number: why' grep -q "from 0 (no limit) to 100, not '5%'" $live/err
