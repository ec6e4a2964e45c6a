# SPDX-License-Identifier: GPL-2.0-or-later
# Who floods hides nothing: in the middle of each kind of flood a program that a
# message of the day starts, a timer, a PID file, and cat on a connection; all
# are found, each with who did it. RUNS of each, by default 2; FLOODS names
# kinds. `make flood RUNS=100` tells numbers, too.
. /tocsin/tests/live/lib.sh
rule_short=flood T=flood
runs=${RUNS:-2} workers=${FLOODERS:-2}
place=/etc/systemd/system
motd=/etc/update-motd.d
port=7004

actor $motd/90-x
actor $bin/telnet
flood=${act%/*}/flood
ACT=$(words serve udp :: $port) ACT_LOG= "$act" >$live/serving &
wait_until 5 grep -qs serving $live/serving

hide_motd() { starts $motd/90-x -- $bin/telnet "$T"; }
hide_timer() { by touch "$place/$T.timer"; }
hide_pidfile() { by touch "/run/$T.pid"; }
hide_cat() {
	: >"$live/$T"
	(exec cat "$live/$T" >/dev/udp/2001:db8::1/$port)
}
declare -A rules=(
	[motd]=$(rule_id motd_process_spawned)
	[timer]=$(rule_id systemd_timer_created)
	[pidfile]=$(rule_id run_pid_lock_reboot_created)
	[cat]=$(rule_id cat_network_activity)
)
declare -A names=([motd]=telnet [timer]=touch [pidfile]=touch [cat]=cat)

# found ACT: tags of that act in alerts of its rule that name its program.
found() {
	jq -r --arg rule "${rules[$1]}" --arg name "${names[$1]}" '
		select(.rule.id == $rule and .process.name == $name) |
		tojson | match("flood-[a-z]+-[a-z]+-[0-9]+x").string' \
		$alerts 2>/dev/null | grep "^flood-$tag-$1-" | sort -u | wc -l
}
all_found() {
	local a
	for a in "${!rules[@]}"; do
		[ "$(found "$a")" -ge "$runs" ] || return 1
	done
}

found_or_lost() { all_found || [ "$(losses)" -gt "$before" ]; }

# The most memory that the watcher had since the last time.
peak() {
	awk '/^VmHWM/ { printf "%.1f MiB", $2 / 1024 }' /proc/$watcher/status
	echo 5 >/proc/$watcher/clear_refs
}
pause() { sleep "0.0$((RANDOM % 10))"; }

losses() { grep -c '^tocsin: lost' $notes; }

# hide_in KIND TAG: acts with that tag, in that flood.
hide_in() {
	local kind=$1 tag=$2 i a begun=$EPOCHREALTIME flooder
	"$flood" "$kind" "$workers" $place >$live/count &
	flooder=$!
	sleep 0.3
	for i in $(seq "$runs"); do
		for a in "${!rules[@]}"; do
			T=flood-$tag-$a-${i}x
			"hide_$a" >/dev/null 2>&1 </dev/null
			pause
		done
	done
	kill $flooder
	wait $flooder
	echo "# $kind: $(<$live/count) acts of noise in $(awk -v a="$begun" \
		-v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
}

# during KIND: hides acts in that flood. A host that lets the watcher stand still
# for longer than the kernel's ring has room makes it lose, and say so: then it
# is the same once more, twice at most.
during() {
	local kind=$1 a tag before
	for tag in $kind again$kind last$kind; do
		before=$(losses)
		hide_in "$kind" "$tag"
		wait_until 60 found_or_lost
		wait_until 2 all_found && break
		[ "$(losses)" -gt "$before" ] || break
	done
	for a in "${!rules[@]}"; do
		is "flood: $kind: $a: $runs hidden, found" same \
			"$(found "$a")" "$runs"
	done
	echo "# $kind: the watcher at most $(peak)," \
		"$(losses) times it said that it lost"
	rm -rf $place/*.timer /run/*.pid $place/noise*
}

# A rule says no more than 100 times in five minutes what it has to say.
watch_start
for kind in ${FLOODS:-exec env fork files renames deep connect}; do
	[ "$runs" -le 10 ] || { watch_stop; watch_start; }
	during "$kind"
done
watch_stop
is 'flood: the watcher lives to be stopped' same "$watch_code" 25
