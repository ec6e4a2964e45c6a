#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the rule engine costs: from 1 to 400 rules and 1,000 to load, over the
# same events; and the replay of a large file. BYTES=… of it (1 GB). RULES=… a
# file or folder of your own beside them, such as what contrib/elastic-rules
# makes.
set -eu
cd "$(dirname "$0")/../.."
: "${TOCSIN:=./tocsin}" "${BENCH:=build/tests/bench}" "${BYTES:=1000000000}"
case $TOCSIN in */*) ;; *) TOCSIN=./$TOCSIN ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The 5 are the first of the 400, and the five of the shipped ones that came
# first.
own=${RULES:+$(realpath "$RULES")}
"$BENCH/host" 12000000 tests/bench/host.grammar >"$tmp/events"
for n in 1 5 50 400 1000; do
	"$BENCH/ruleset" $n tests/bench/rules.grammar >"$tmp/$n.ndjson"
done
mkdir "$tmp/shipped"
for rule in lists motd_process_spawned run_pid_lock_reboot_created \
	systemd_timer_created web_server_command cat_network_activity; do
	cp "rules/linux/$rule.yml" "$tmp/shipped"
done
(cd "$tmp" && "$OLDPWD/$BENCH/engine" events 5.ndjson 1.ndjson 50.ndjson \
	400.ndjson 1000.ndjson shipped "$OLDPWD/rules/linux" ${own:+"$own"})

# Turns, so that a busy machine is as unkind to each; the best of three, in
# seconds of one core.
"$BENCH/host" "$BYTES" tests/bench/host.grammar >"$tmp/large"
cpu() { # COMMAND…
	local TIMEFORMAT='%U %S'
	{ time "$@" >"$tmp/out" 2>&1; } 2>&1 | awk '{ print $1 + $2 }'
}
replay() {
	"$TOCSIN" replay -q --matches --exit-zero -r "$1" "$tmp/large"
}
for turn in 1 2 3; do
	echo five $(cpu replay "$tmp/5.ndjson")
	echo many $(cpu replay "$tmp/400.ndjson")
	echo count $(cpu wc -l "$tmp/large")
	[ $turn -gt 1 ] || echo jq $(cpu jq -c .event.action "$tmp/large")
done | awk -v bytes="$(stat -c %s "$tmp/large")" '
!($1 in best) || $2 < best[$1] { best[$1] = $2 }
function row(label, name, note) {
	printf "%-46s %10.0f   %s\n", label, bytes / 1e6 / best[name], note
}
END {
	row("replay of a file, 5 rules: MB/s a core", "five",
	    sprintf("%.0f MB; of wc -l %.2f, of jq %.0f times the speed",
	    bytes / 1e6, best["count"] / best["five"],
	    best["jq"] / best["five"]))
	row("replay of a file, 400 rules: MB/s a core", "many",
	    sprintf("%.2f of the speed with 5", best["five"] / best["many"]))
}'
