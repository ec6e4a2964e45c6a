# SPDX-License-Identifier: GPL-2.0-or-later
# Inside the small host of the live tests: acts all the time, kills at random
# moments, then the reckoning. See run.
. /tocsin/tests/live/lib.sh
db=$live/state/state.db
all=$live/all.ndjson # of every watcher, as printed
failed=0
wrong() {
	echo "kills: $*"
	failed=1
}

mkdir $live/rules
"$tocsin" key generate --unencrypted $live/h.key $live/h.pub >/dev/null ||
	exit 1
cat >$live/c.yaml <<-END
	heartbeat_key: $live/h.key
	public_keys: [$live/h.pub]
END
chmod 600 $live/c.yaml
cat >$live/rules/files.yml <<-'END'
	rule_id: kills-files
	name: a file of the load
	description: a file of the load
	type: eql
	language: eql
	severity: low
	risk_score: 1
	max_signals: 1000000
	query: |
	  file where event.action in ("creation", "rename") and
	  file.path like "/srv/kills/*"
END
mkdir -p /srv/kills

# Some fifty acts a second, every name once.
act_on() {
	local i=0
	while [ ! -e $live/enough ]; do
		i=$((i + 1))
		echo $i >/srv/kills/f$i
		echo $i >$live/acted
		# For 1,000 kills fewer than the 100,000 alerts that are kept.
		[ $((i % 5)) -ne 0 ] || sleep 0.08
	done
}
start() {
	: >$notes
	"$tocsin" watch --format ndjson -c $live/c.yaml -s $live/state \
		-r $live/rules \
		-o $live/alerts.$1 2>>$notes >/dev/null &
	watcher=$!
}
engine() { # of the watcher
	cat "/proc/$watcher/task/$watcher/children" 2>/dev/null
}
ready() { grep -q '^tocsin: ready' $notes; }
# How long a start takes is not asked here: whether it ends is.
# One in four comes before everything is open, the others a moment after.
pause() {
	[ $((RANDOM % 4)) -eq 0 ] || wait_until 120 ready ||
		wrong "not ready: $(tail -n 2 $notes)"
	sleep 0.$(printf %03d $((RANDOM % 400)))
}

# kill_now PID: when that was, at least and at most, is remembered.
kill_now() {
	local before=$EPOCHREALTIME
	kill -KILL "$1" || return
	echo "${before/./}000|${EPOCHREALTIME/./}000" >>$live/kills
	killed=$((killed + 1))
}

# The first start takes what is there as it is.
start first
wait_until 120 ready || wrong "the first one is not ready: $(cat $notes)"
kill -TERM $watcher
wait $watcher
act_on &
acting=$!

killed=0 keepers=0 runs=0
while [ $killed -lt "$KILLS" ]; do
	runs=$((runs + 1))
	start $runs
	# Some engines of this keeper, fewer than it would bear; then itself.
	for _ in 1 $((RANDOM % 2)); do
		pause
		set -- $(engine)
		[ $# -gt 0 ] && kill_now "$1"
	done
	pause
	kill_now $watcher
	wait $watcher 2>/dev/null
	keepers=$((keepers + 1))
	[ $((RANDOM % 3)) -ne 0 ] || sleep 0.1
	[ $((runs % 50)) -ne 0 ] || echo "kills: $killed of $KILLS"
done

# A last one that is not killed tells all that is left to tell.
start last
wait_until 120 ready || wrong "the last one is not ready: $(cat $notes)"
touch $live/enough
wait $acting
acted=$(cat $live/acted)
told() {
	cat $live/alerts.* | jq -rR 'fromjson? | .file.path // empty' |
		sort -u | wc -l
}
wait_until 60 eval '[ "$(told)" -ge "$acted" ]'
kill -TERM $watcher
wait $watcher
[ $? -eq 25 ] || wrong "the last one did not stop as always"

# ---- the reckoning ----------------------------------------------------------

# A line cut short by a kill was never whole: its alert must be stored.
# Numbers are written as jq does, in both.
cat $live/alerts.* | jq -cR 'fromjson?' >$all
printed=$(wc -l <$all)
ids=$(jq -r .tocsin.alert.id $all | sort -u | wc -l)
contents=$(sort -u $all | wc -l)
[ "$ids" -eq "$contents" ] ||
	wrong "$((contents - ids)) ids were printed with different content"
[ "$(sqlite3 $db 'PRAGMA integrity_check')" = ok ] || wrong 'state.db is damaged'
sqlite3 $db 'SELECT json FROM alerts' | jq -c . | sort -u >$live/stored
lost=$(sort -u $all | comm -23 - $live/stored | wc -l)
stored=$(wc -l <$live/stored)
[ "$lost" -eq 0 ] || wrong "$lost alerts were printed and are not stored"
jq -r '.file.path // empty' $live/stored | sort -u >$live/paths
told=$(wc -l <$live/paths)
[ "$told" -eq "$acted" ] || wrong "$((acted - told)) acts are told by no alert"
# Kills that follow each other closely may be one gap.
sqlite3 $db 'CREATE TEMP TABLE kills (after INTEGER, before INTEGER)' ".import $live/kills kills" \
	'SELECT count(*) FROM gaps' \
	'SELECT count(*) FROM gaps WHERE role <> "" AND closed_ns = 0' \
	'SELECT count(*) FROM kills WHERE NOT EXISTS (SELECT 1 FROM gaps
		WHERE from_ns <= before AND to_ns >= after)' >$live/reckoned
{ read -r gaps && read -r open && read -r outside; } <$live/reckoned ||
	wrong 'the gaps cannot be read'
[ "$outside" = 0 ] || wrong "$outside kills are in no gap"
[ "$open" = 0 ] || wrong "$open gaps were never looked at again"
"$tocsin" baseline log --verify -s $live/state --pubkey $live/h.pub \
	>$live/verified 2>&1
code=$?
# 33: it was silent at times, as it was indeed.
[ $code -eq 33 ] || wrong "the log: $code, $(cat $live/verified)"
echo "kills: $killed processes, $keepers of them keepers; $acted acts, $told" \
	"told; $printed alerts printed, $stored stored, $lost lost;" \
	"$ids ids, $contents contents; $gaps gaps, $open open; $outside kills" \
	"in none"
exit $failed
