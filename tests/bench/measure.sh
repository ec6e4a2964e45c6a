# SPDX-License-Identifier: GPL-2.0-or-later
# Inside the small host: pairs of runs without and with the watcher.
. /tocsin/tests/live/lib.sh
load=/tocsin/$BENCH/load
pairs=${PAIRS:-15}
line() { printf '%-46s %10s   %s\n' "$@"; }

with_watcher() {
	watch_start
	"$@"
	watch_stop
}

# ratios COMMAND…: its printed seconds with the watcher over those without,
# one a pair; every second pair the other way round.
ratios() {
	local i without with
	"$@" >/dev/null # warm up
	for ((i = 0; i < pairs; i++)); do
		if ((i % 2)); then
			with=$(with_watcher "$@")
			without=$("$@")
		else
			without=$("$@")
			with=$(with_watcher "$@")
		fi
		awk -v a="$with" -v b="$without" 'BEGIN { print a / b }'
	done | sort -n
}

# The median, and the quartiles as its uncertainty.
median() {
	awk '{ v[NR] = $1 } END {
		printf "%.3f\t%.3f – %.3f\n", v[int((NR + 1) / 2)],
		    v[int((NR + 3) / 4)], v[int((3 * NR + 3) / 4)]
	}'
}

measure() { # LABEL COMMAND…
	local label=$1 result
	shift
	result=$(ratios "$@" | median)
	line "$label" "${result%%	*}" "middle half ${result##*	}"
}

files() { # FOLDER
	mkdir -p $1
	"$load" files $((100000 / pairs)) $1/f
	find $1 -name 'f*' -delete
}

compile() {
	local start=$EPOCHREALTIME
	make -s -j2 -B -f $live/compile.mk all >/dev/null
	awk -v a=$start -v b=$EPOCHREALTIME 'BEGIN { print b - a }'
}
{
	echo 'all: $(patsubst %,'$live'/o%,1 2 3 4 5 6 7 8 9 10 11 12)'
	echo "$live/o%: $live/x.c; cc -O1 -c -o \$@ \$<"
} >$live/compile.mk
printf '#include <%s>\n' stdio.h stdlib.h string.h unistd.h math.h time.h \
	signal.h netinet/in.h >$live/x.c
echo 'int main(void) { return printf("x") + (int)time(0); }' >>$live/x.c

# delays LABEL RULE-FILE COMMAND…: from the act to the line in the reader's
# pipe, for acts that alert.
delays() {
	local label=$1 n=$2 result
	shift 2
	mkfifo $live/pipe.$n
	"$load" arrivals $n <$live/pipe.$n >$live/delays &
	local reader=$!
	: >$notes # is_ready must not read what the one before has said
	"$tocsin" watch --format ndjson -s $live/state -r $live/delay.yml \
		>$live/pipe.$n 2>$notes &
	watcher=$!
	wait_until 15 is_ready
	"$@"
	wait $reader
	watch_stop
	read -r got p50 p99 max <$live/delays
	rm -f $live/pipe.$n
	line "$label, ms: p50" "$p50" "$got of $n"
	line "$label, ms: p99" "$p99" "largest $max"
}
rule_text() {
	printf 'rule_id: %s\nname: %s\ndescription: bench\ntype: eql\n' $1 $1
	printf 'language: eql\nseverity: low\nrisk_score: 1\n'
	printf 'max_signals: 1000000\nquery: |\n  %s\n' "$2"
}
actor() { mkdir -p "${1%/*}"; }
actor /srv/unwatched/x

measure '20,000 × fork, exec, exit' "$load" spawn $((20000 / pairs)) /usr/bin/true
pairs=$(((pairs + 1) / 2)) measure 'compile, make -j2' compile
measure '100,000 files, watched folder' files /etc/systemd/system
measure '100,000 files, other folder' files /srv/unwatched

mkdir -p /run/bench
rule_text file 'file where event.action == "creation" and file.path like "/run/bench/*"' >$live/delay.yml
delays 'file created to alert line' 400 "$load" acts 400 /run/bench/
rule_text exec 'process where event.action == "exec" and process.args like "at-*"' >$live/delay.yml
delays 'program started to alert line' 401 "$load" execs 401 /usr/bin/true

# Of the watcher and what it started, in MiB: a page that two of them share
# counts once (proc(5), smaps_rollup: Pss). KEY is Pss or Rss.
memory() {
	local p
	for p in $watcher $(cat /proc/$watcher/task/*/children 2>/dev/null); do
		cat /proc/$p/smaps_rollup
	done | awk -v key="$1:" '$1 == key { sum += $2 }
		END { printf "%.1f", sum / 1024 }'
}
watch_start
line 'resident memory after start, MiB' "$(memory Pss)" \
	"each of its processes for itself: $(memory Rss)"
"$load" spawn 5000 /usr/bin/true >/dev/null
mkdir -p /etc/systemd/system
"$load" files 50000 /etc/systemd/system/m >/dev/null
sleep 1
line 'resident memory after load, MiB' "$(memory Pss)" \
	"5,000 processes, 50,000 files; each for itself: $(memory Rss)"
watch_stop
