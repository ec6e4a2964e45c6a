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

# One act each few milliseconds, every name once.
act_on() {
	local i=0
	while [ ! -e $live/enough ]; do
		i=$((i + 1))
		echo $i >/srv/kills/f$i
		echo $i >$live/acted
		# Files are many enough; they need not all stay.
		[ $((i % 20)) -ne 0 ] || sleep 0.02
	done
}
act_on &
acting=$!

start() {
	: >$notes
	"$tocsin" watch --format ndjson -s $live/state -r $live/rules \
		-o $live/alerts.$1 2>$notes >/dev/null &
	watcher=$!
}
engine() { # of the watcher
	cat "/proc/$watcher/task/$watcher/children" 2>/dev/null
}
ready() { grep -q '^tocsin: ready' $notes; }
# One in four comes before everything is open, the others a moment after.
pause() {
	[ $((RANDOM % 4)) -eq 0 ] || wait_until 20 ready ||
		wrong "not ready: $(tail -n 2 $notes)"
	sleep 0.$(printf %03d $((RANDOM % 400)))
}

killed=0 keepers=0 runs=0
while [ $killed -lt "$KILLS" ]; do
	runs=$((runs + 1))
	start $runs
	# Some engines of this keeper, fewer than it would bear; then itself.
	for _ in 1 $((RANDOM % 2)); do
		pause
		set -- $(engine)
		[ $# -gt 0 ] && kill -KILL "$1" && killed=$((killed + 1))
	done
	pause
	kill -KILL $watcher
	wait $watcher 2>/dev/null
	killed=$((killed + 1)) keepers=$((keepers + 1))
	[ $((RANDOM % 3)) -ne 0 ] || sleep 0.1
	[ $((runs % 50)) -ne 0 ] || echo "kills: $killed of $KILLS"
done

# A last one that is not killed tells all that is left to tell.
start last
wait_until 30 ready || wrong "the last one is not ready: $(cat $notes)"
touch $live/enough
wait $acting
acted=$(cat $live/acted)
told() { cat $live/alerts.* | jq -r '.file.path // empty' | sort -u | wc -l; }
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
gaps=$(sqlite3 $db 'SELECT count(*) FROM gaps')
[ "$gaps" -ge "$killed" ] ||
	wrong "$gaps gaps are recorded for $killed kills"
if [ -d $live/state/log ]; then
	"$tocsin" baseline log --verify -s $live/state >$live/verified 2>&1 ||
		wrong "the log: $(cat $live/verified)"
fi
echo "kills: $killed processes, $keepers of them keepers; $acted acts, $told" \
	"told; $printed alerts printed, $stored stored, $lost lost;" \
	"$ids ids, $contents contents; $gaps gaps"
exit $failed
