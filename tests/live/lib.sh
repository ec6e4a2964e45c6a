# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by every case file, inside the small host. A case file says which
# rule it is about, starts the watcher, and then is a table:
#
#	alert NAME PARENT USER 'what' 'commands'
#	alert_new NAME PARENT USER 'what' 'commands'
#	quiet 'what' 'commands'
#
# `commands` run in a subshell with T, a word of their own, so that names are
# unique; what acts is noted with its pid. `alert` wants exactly one alert of
# the rule, of a noted process, with that process name, parent name and user,
# and for files the facts that sha256sum and stat give; `quiet` wants none.
# `alert_new` is for a file in a folder made a moment before, which may not be
# watched yet: the same, or the alert says that its author was missed.
set -u
live=/live
tocsin=/tocsin/$TOCSIN
alerts=$live/alerts.ndjson trace=$live/trace.ndjson notes=$live/watch.err
export ACT_LOG=$live/acts ACT_TAG=
act=/tocsin/$ACT
unset ACT # from here on: what the helper is told to do
bin=$live/bin # for helpers with any name
mkdir -p $bin
: >$ACT_LOG
chmod 666 $ACT_LOG # acts come from ordinary users, too
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

ok() { echo "ok - $*"; }
not_ok() {
	echo "not ok - $*"
	[ -n "${told_why-}" ] || tell_why
	told_why=1
}
# What the watcher says and tells, at the first check that fails.
tell_why() {
	[ ! -e "$notes" ] || tail -n 8 "$notes" | cut -c 1-300 | sed 's/^/\tsays: /'
	[ ! -f "$alerts" ] || tail -n 4 "$alerts" | seen
	[ ! -f "$trace" ] || grep -F '"file":' "$trace" | tail -n 8 | seen
}
# seen: events, a line each, of their fields what one looks for first.
seen() {
	jq -c '[.rule.id, ."@timestamp", .event.action, .file.path[:80]?,
		.file.size, .process.pid, .process.name,
		.process.executable, .tocsin.attribution]' 2>&1 |
		sed 's/^/\tseen: /'
}
skip() { echo "SKIPPED - $*"; }
# is WHAT TEST…: one check.
is() {
	local what=$1
	shift
	if "$@"; then ok "$what"; else not_ok "$what"; fi
}
same() {
	[ "$1" = "$2" ] && return
	echo "	is:     $1"
	echo "	wanted: $2"
	return 1
}

# ---- the watcher ----------------------------------------------------------

# wait_until SECONDS COMMAND…: polls. That many on a quiet host; one with much
# else to do is given ten times as many.
wait_until() {
	local end=$((SECONDS + 10 * $1 + 1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

is_ready() {
	grep -q '^tocsin: ready:' "$notes" 2>/dev/null || ! kill -0 "$watcher" 2>/dev/null
}

# watch_start [OPTION…]: the watcher in the background, ready.
watch_start() {
	rm -f $notes $alerts # one that was killed may still write to its own
	: >$notes
	"$tocsin" watch --format ndjson -s $live/state -o $alerts "$@" \
		2>$notes >$live/watch.out &
	watcher=$!
	wait_until 15 is_ready
	if ! kill -0 $watcher 2>/dev/null || ! is_ready; then
		echo "not ok - the watcher did not start:"
		cat $notes
		exit 1
	fi
}

# watch_stop [SIGNAL]: its exit code in `watch_code`.
watch_stop() {
	kill -"${1:-TERM}" $watcher
	( sleep 60; kill -KILL $watcher ) >/dev/null 2>&1 &
	local guard=$!
	wait $watcher
	watch_code=$?
	kill $guard 2>/dev/null
	wait $guard 2>/dev/null
}

has_noted() { grep -q "$1" $notes; }

# hold PID: it is stopped, and not only about to be: what it was in the middle
# of it has done.
hold() {
	kill -STOP "$1"
	wait_until 5 is_held "$1"
}
is_held() { grep -q '^State:.[Tt]' /proc/"$1"/status; }

# settle: what was done until now is in the trace and among the alerts, or never
# will be. The watcher fetches what there is of files first, then of processes:
# when it has told of two programs, one begun after the other was told of, it
# has all the files of before. It may keep them back for a moment, and two more
# programs say that it is over. Not where a sensor only looks from time to time.
marks=0
settle() {
	if ! { mark && mark && sleep 0.05 && mark && mark; }; then
		not_ok "what was done last is not told"
	fi
}
mark() {
	marks=$((marks + 1))
	/bin/true live-mark-$marks-
	wait_until 5 grep -q "live-mark-$marks-" $trace
}

# traced TEXT FILTER [ARG…]: jq's FILTER is true of a list of those events of the
# trace that have that text in them. The last line may still be in the making.
traced() {
	local text=$1 filter=$2
	shift 2
	[ -e $trace ] && grep -F -- "$text" $trace |
		jq -Rne "$@" "[inputs | fromjson?] | $filter" >/dev/null
}

# db SQL: of the state database.
db() { sqlite3 -readonly -cmd '.timeout 5000' $live/state/state.db "$@"; }

# ids: of all alerts in it, in order.
ids() { db 'SELECT id FROM alerts ORDER BY seq'; }

# Nobody waits for the list of what is there but we.
watch_list() { # [OPTION…]
	watch_start "$@"
	wait_until 10 has_noted 'first start: \|gap closed: '
}

# own_rule ID QUERY [SEVERITY SCORE NAME]: EQL, in $live/ID.yml.
own_rule() {
	cat >$live/$1.yml <<-END
		rule_id: $1
		name: '${5-$1}'
		description: a rule of this test
		type: eql
		language: eql
		severity: ${3-low}
		risk_score: ${4-1}
		max_signals: 1000000
		query: |
		  $2
	END
}

# ---- acting ---------------------------------------------------------------

# words A B…: one line of ACT.
words() {
	local IFS=$'\t'
	printf '%s\n' "$*"
}

# actor PATH: the helper under that name.
actor() {
	mkdir -p "${1%/*}"
	cp --remove-destination "$act" "$1"
}

note() { # PID PPID NAME
	echo "$T $*" >>$ACT_LOG
}

# self: this shell, a fork of the table's, is the one that acts.
self() { note "$BASHPID" $$ bash; }

# by PROGRAM…: an ordinary program acts.
by() {
	local parent=$BASHPID
	(
		note "$BASHPID" "$parent" "${1##*/}"
		exec "$@"
	)
}

# as PATH ACT WORD…: the helper, started as PATH, does that one act.
as() {
	local path=$1
	shift
	# exec would make a relative path absolute.
	if [ "${path:0:2}" = ./ ]; then
		ACT=$(words "$@") "$path"
		return
	fi
	[ -e "$path" ] && cmp -s "$path" "$act" || actor "$path"
	( ACT=$(words "$@") exec "$path" )
}

# acts PATH 'ACT WORD…' …: the helper as PATH does one act after the other.
acts() {
	local path=$1 lines
	shift
	lines=$(printf '%s\n' "$@")
	[ "${path:0:2}" = ./ ] || actor "$path"
	( ACT=${lines// /$'\t'} exec "$path" )
}

# starts PARENT [ARG…] -- PROGRAM [ARG…]: a helper called PARENT starts
# PROGRAM, by default argv[0] is its name. PROGRAM is a helper as well unless
# it is there.
starts() {
	local parent=() n=0
	while [ "$1" != -- ]; do
		parent[n++]=$1
		shift
	done
	shift
	[ "${parent[0]:0:2}" = ./ ] || actor "${parent[0]}"
	[ -e "$1" ] || actor "$1"
	(
		ACT=$(words spawn "$1" "${ARGV0-${1##*/}}" "${@:2}") \
			exec "${parent[@]}"
	)
}

# script PATH TEXT: a script at that place, run.
script() {
	mkdir -p "${1%/*}"
	printf '%s\n' "$2" >"$1"
	chmod 755 "$1"
	by "$1"
}

# ---- the table -------------------------------------------------------------

declare -A row_verdict row_name row_parent row_user row_what tag_of_pid
tags=()

row() {
	T=${rule_short}$(printf %03d ${#tags[@]})x
	tags+=("$T")
	row_verdict[$T]=$1 row_name[$T]=$2 row_parent[$T]=$3 row_user[$T]=$4
	row_what[$T]=$5
	(
		export ACT_TAG=$T
		cd $live
		eval "$6"
	) </dev/null >$live/out.$T 2>&1
	# A row that could not act proves nothing.
	if grep -q '^act: ' $live/out.$T; then
		not_ok "$rule_short: $5: the act itself failed"
		cat $live/out.$T
	fi
}
alert() { row alert "$@"; }
declare -A row_new
alert_new() {
	row alert "$@"
	row_new[$T]=1
}
quiet() { row quiet '' '' '' "$@"; }

# Fields of an alert, one line each alert, separated by a byte that bash does
# not fold (a tab would lose empty ones).
alert_lines() {
	jq -r --arg rule "$1" 'select(.rule.id == $rule) | [
		.process.pid, .process.parent.pid, .process.name,
		.process.parent.name, .user.name, .file.path,
		.file.hash.sha256, .file.size, .file.Ext.entropy,
		.tocsin.attribution, .file.type, tojson
		] | map(. // "" | tostring) | join("\u001f")' $alerts
}

have_alerts() { # RULE N
	[ "$(jq -c --arg rule "$1" 'select(.rule.id == $rule)' $alerts |
		wc -l)" -ge "$2" ]
}

# All alerts that are wanted are there, and then all that are not.
wait_for_table() {
	local wanted=0 t
	for t in "${tags[@]}"; do
		[ ${row_verdict[$t]} = alert ] && wanted=$((wanted + 1))
	done
	wait_until 2 have_alerts "$rule" $wanted
	settle
}

# Shannon entropy in bits a byte, by other means than the program's.
entropy_of() {
	od -An -v -tu1 -w1 "$1" | awk '
		{ count[$1]++ }
		END {
			for (b in count) {
				p = count[b] / NR
				h -= p * log(p) / log(2)
			}
			printf "%.4f", h + 0
		}'
}

# These add to `wrong` what does not fit in the alert of row T.
check_author() { # T PID PPID NAME PARENT USER
	[ "$4" = "${row_name[$1]}" ] || wrong+=" name=$4"
	[ "$5" = "${row_parent[$1]}" ] || wrong+=" parent=$5"
	[ "$6" = "${row_user[$1]}" ] || wrong+=" user=$6"
	grep -qxF "$1 $2 $3 $4" $ACT_LOG || wrong+=" pid=$2,ppid=$3"
}

# On a host with much else to do a file's maker may not get to write within the
# moment that the watcher waits: 12 ms, or 2 for a file that it came upon. Then
# it was empty, was closed so much later, and as it is then was told as well.
closed_late() { # PATH SHA256 SIZE
	traced "$1" '
		def ms: (.[:19] + "Z" | fromdate) * 1000 +
			(.[20:23] | tonumber);
		map(select(.file.path? == $path)) |
		(map(.event.action) | index("creation")) as $i |
		$i != null and .[$i].file.size == 0 and
		any(.[$i + 1:][]; .event.action == "modification" and
			.file.size == $size and .file.hash.sha256 == $sha) and
		(.[$i].tocsin.attribution == "lost" or
			(map(select(.event.action == "modification"))[0]."@timestamp" |
				ms) - (.[$i].file.created | ms) >= 11)' \
		--arg path "$1" --arg sha "$2" --argjson size "$3"
}

check_facts() { # PATH SHA256 SIZE ENTROPY TYPE
	local path=$1 sha=$2 size=$3 entropy=$4 type=$5 sha_is size_is
	[ -n "$path" ] && [ "$type" = file ] && [ -f "$path" ] || return
	sha_is=$(sha256sum <"$path" | cut -d' ' -f1) size_is=$(stat -c %s "$path")
	[ "$size" != 0 ] || [ "$size_is" = 0 ] ||
		! closed_late "$path" "$sha_is" "$size_is" || return
	[ "$sha" = "$sha_is" ] || wrong+=" sha256=$sha"
	[ "$size" = "$size_is" ] || wrong+=" size=$size"
	[ "$size" = 0 ] || awk -v a="$entropy" -v b="$(entropy_of "$path")" \
		'BEGIN { exit !(a != "" && a - b < 0.001 && b - a < 0.001) }' ||
		wrong+=" entropy=$entropy"
}

# What the watcher saw of row T, for whoever looks for the reason.
tell() {
	grep "^$1 " $ACT_LOG | sed 's/^/\tacted: /'
	[ ! -e $trace ] || grep -F "$1" $trace | head -n 12 | seen
}

# A file in a folder made a moment before was told, but not its author; of a rule
# that asks who it was, that is all.
author_missed() { # TAG
	[ -n "${row_new[$1]:-}" ] &&
		traced "$1" 'any(.[]; .event.action == "creation" and
			.file.type == "file" and
			(.file.path | contains($tag)) and
			.tocsin.attribution == "lost" and .process.pid == null)' \
			--arg tag "$1"
}

# came_late TAG: a case may say that its act, by what the trace has of it, was
# none that the rule is to tell of, as whoever did it was held up.
came_late() { false; }

check_table() {
	local line t pid ppid name parent user path sha size entropy attr type
	local json tag found
	local -A count complaint

	wait_for_table
	while read -r tag pid _ _; do
		tag_of_pid[$pid]=$tag
	done <$ACT_LOG

	while IFS=$'\x1f' read -r pid ppid name parent user path sha size \
	    entropy attr type json; do
		t=${tag_of_pid[${pid:-nobody}]:-}
		if [ -z "$t" ]; then
			found=$(grep -o "${rule_short}[0-9]\{3\}x" <<<"$json" |
				head -n 1)
			t=${found:-stray}
		fi
		count[$t]=$((${count[$t]:-0} + 1))
		local wrong=
		if [ "${row_verdict[$t]:-}" = alert ]; then
			[ "${row_new[$t]:-} $attr $pid$name" = '1 lost ' ] ||
				check_author "$t" "$pid" "$ppid" "$name" \
					"$parent" "$user"
			check_facts "$path" "$sha" "$size" "$entropy" "$type"
		else
			wrong=" $json"
		fi
		complaint[$t]+=$wrong
	done < <(alert_lines "$rule")

	for t in "${tags[@]}"; do
		local n=${count[$t]:-0} what="$rule_short: ${row_what[$t]}"
		if [ ${row_verdict[$t]} = alert ]; then
			what+=": one alert"
			if [ $n -eq 0 ] && author_missed $t; then
				ok "$what, or none, as nobody knows who did it"
			elif [ $n -eq 0 ] && came_late $t; then
				ok "$what, or none, as it was held up"
			elif [ $n -ne 1 ]; then
				not_ok "$what ($t: $n)"
				tell $t
			elif [ -n "${complaint[$t]:-}" ]; then
				not_ok "$what ($t: wrong:${complaint[$t]})"
				tell $t
			else
				ok "$what"
			fi
		else
			what+=": none"
			if [ $n -eq 0 ]; then
				ok "$what"
			else
				not_ok "$what ($t: $n)${complaint[$t]:0:1500}"
			fi
		fi
	done
	is "$rule_short: no alert of an unknown act" same "${count[stray]:-0}" 0
	[ "${count[stray]:-0}" = 0 ] || echo "${complaint[stray]}"
}

# check_replay [OPTION…]: the watcher's own record, replayed with the same
# rules, gives the same alerts byte for byte.
check_replay() {
	watch_stop
	"$tocsin" replay "$@" --format ndjson -o $live/replayed.ndjson $trace \
		2>$live/replay.err
	if cmp -s $alerts $live/replayed.ndjson; then
		ok "$rule_short: the trace, replayed, gives the same" \
			"$(wc -l <$alerts) alerts byte for byte"
	else
		not_ok "$rule_short: the trace, replayed, gives other alerts"
		cat $live/replay.err
		diff $alerts $live/replayed.ndjson | cut -c 1-600 | head -n 20
	fi
}

# rule_id NAME: of the shipped rule in that file.
rule_id() {
	sed -n 's/^rule_id: *//p' "/tocsin/rules/linux/$1.yml" | tr -d "\"'"
}
