# SPDX-License-Identifier: GPL-2.0-or-later
# Inside the small host of the live tests: the watcher with the shipped rules
# under a steady load, its memory sampled, alerts counted. See run.
. /tocsin/tests/live/lib.sh
load=/tocsin/$SOAK/load
seconds=$SOAK_SECONDS execs=$SOAK_EXECS files=$SOAK_FILES
soak=$live/soak figures=$soak/figures
mkdir -p $soak /etc/systemd/system/soak.service.d /run/soak \
	/run/systemd/system /home/alice/.config/systemd/user
failed=0
wrong() {
	echo "soak: $*"
	failed=1
}

# ---- the watcher ------------------------------------------------------------

# Whose making is not what is asked about.
motd=/etc/update-motd.d/99-soak nginx=/usr/sbin/nginx
for path in $motd $nginx $bin/sh $bin/bash $bin/mark; do
	actor $path
done

# What new_terms rules see for the first time is only remembered: the load
# gives them more than they can remember.
echo 'learning_period: 365d' >$live/soak.yaml
chmod 600 $live/soak.yaml
watch_start -c $live/soak.yaml --metrics $figures -r /tocsin/rules/linux
grep '^tocsin: ready' $notes

family() { # the watcher and all that it has started
	local all=$watcher p more=$watcher
	while [ -n "$more" ]; do
		p=$more more=
		for p in $p; do
			more+=" $(cat /proc/$p/task/*/children 2>/dev/null)"
		done
		more=${more//[[:space:]]/ } more=${more% }
		[ -n "${more// }" ] || break
		all+=" $more"
	done
	echo $all
}
# One line: seconds since the start, processes, KiB resident, proportional,
# anonymous; of the anonymous the keeper's heap, what else is the keeper's, the
# engine's heap, what else is the engine's.
sample() {
	local p now=$EPOCHREALTIME
	for p in $(family); do
		echo process
		cat /proc/$p/smaps 2>/dev/null
	done | awk -v t="$now" -v from="$began" '
		/^process/ { n++ }
		/^[0-9a-f]+-/ { heap = $NF == "[heap]" }
		/^Rss:/ { rss += $2 } /^Pss:/ { pss += $2 }
		/^Anonymous:/ { anon += $2; of[n, heap] += $2 }
		END {
			printf "%.1f %d %d %d %d", t - from, n, rss, pss, anon
			printf " %d %d %d %d\n", of[1, 1], of[1, 0], of[2, 1], of[2, 0]
		}'
}

# ---- acts that must alert, each once --------------------------------------

serve() { # PROTO PORT
	: >$live/serving
	ACT=$(words serve "$1" :: "$2") ACT_LOG= "$act" >$live/serving &
	wait_until 5 grep -q serving $live/serving
}
serve udp 7004
act_web() { ( ACT=$(words spawn $bin/sh sh -c id "$T") exec $nginx ); }
act_motd() { ( ACT=$(words spawn $bin/bash bash -i "$T") exec $motd ); }
act_timer() { as $bin/mark create "/etc/systemd/system/$T.timer"; }
act_pid() {
	acts $bin/mark "create /run/.$T-not-a-number text" \
		"rename /run/.$T-not-a-number /run/$T.pid"
}
act_cat() { ( exec cat /etc/hostname "/live/./$T" >/dev/udp/2001:db8::1/7004 2>/dev/null ); }
kinds=(web motd timer pid cat)
declare -A rule_of=(
	[web]=$(rule_id web_server_command)
	[motd]=$(rule_id motd_process_spawned)
	[timer]=$(rule_id systemd_timer_created)
	[pid]=$(rule_id run_pid_lock_reboot_content)
	[cat]=$(rule_id cat_network_activity)
)
# One a second, five kinds in turn: 60 of a rule in five minutes, where 100 are
# told one by one (max_signals).
trickle() {
	local n=0 kind wait
	while [ "$EPOCHSECONDS" -lt "$until" ]; do
		kind=${kinds[n % 5]}
		T=soak-$kind-$n
		act_$kind
		echo "${rule_of[$kind]} $T" >>$soak/wanted
		n=$((n + 1))
		wait=$(awk -v due=$((began_s + n)) -v now="$EPOCHREALTIME" \
			'BEGIN { print (due > now ? due - now : 0) }')
		sleep "$wait"
	done
}

# ---- the run ------------------------------------------------------------------

began=$EPOCHREALTIME began_s=$EPOCHSECONDS until=$((EPOCHSECONDS + seconds))
: >$soak/wanted >$soak/execs >$soak/files

workers=
cp "$load" $bin/dash # half a sequence is a cat that a shell has started
cp "$load" /tmp/soak-files
cp "/tocsin/$SOAK/blink" $live/blink
if [ "$execs" -gt 0 ]; then
	mkfifo $soak/execs.pipe
	$bin/dash execs $execs $seconds $live/blink $live/names \
		>$soak/execs.pipe &
	workers+=" $!"
	cat $soak/execs.pipe >$soak/execs &
	workers+=" $!"
fi
if [ "$files" -gt 0 ]; then
	/tmp/soak-files files $files $seconds >$soak/files &
	workers+=" $!"
fi
trickle &
workers+=" $!"
every=$((seconds > 500 ? 5 : 1)) k=0
(
	while [ "$EPOCHSECONDS" -lt "$until" ]; do
		sample >>$soak/samples
		[ $((++k % (600 / every))) -ne 0 ] || tail -n 1 $soak/samples
		sleep $every
	done
) &
workers+=" $!"
wait $workers
until=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }')

# The last word: when this has alerted, all before it has been looked at.
T=soak-timer-last
act_timer
echo "${rule_of[timer]} $T" >>$soak/wanted
wait_until 60 grep -q $T $alerts || wrong 'the last act was not seen'
watch_stop
[ "$watch_code" -eq 25 ] || wrong "the watcher ended with $watch_code"

# ---- what came of it --------------------------------------------------------

done_of() { awk -v n="$1" '$1 == n { s = $2 } END { print s + 0 }' $soak/execs $soak/files; }
value() { awk -v n="$1" 'index($0, n " ") == 1 { s = $NF } END { printf "%.0f\n", s }' $figures; }
sum() { awk -v n="$1" 'index($0, n "{") == 1 { s += $NF } END { printf "%.0f\n", s }' $figures; }
sensor() { value "tocsin_sensor_events_total{sensor=\"$1\"}"; }

for w in execs files; do
	[ ! -s $soak/$w ] || echo "soak: $(tr '\n' ' ' <$soak/$w)"
done
echo "soak: $until s, processor $(awk '/^tocsin_cpu_seconds_total/ { print $2 }' $figures) s;" \
	"events $(value tocsin_events_total), of unknown processes" \
	"$(value tocsin_events_unattributed_total)"

jq -r '[.rule.id, (tojson | match("soak-[a-z]+-([0-9]+|last)").string // "?")] |
	join(" ")' $alerts |
	sort >$soak/seen
sort $soak/wanted >$soak/sorted
if cmp -s $soak/sorted $soak/seen; then
	echo "soak: alerts: $(wc -l <$soak/wanted) wanted, each came once, no other"
else
	wrong "alerts: $(wc -l <$soak/wanted) wanted, $(wc -l <$soak/seen) came; < wanted, > came:"
	diff $soak/sorted $soak/seen | grep '^[<>]' | head -n 20
fi

for m in events_lost gaps memory_failures output_failures sequences_evicted; do
	n=$(value tocsin_${m}_total)
	[ "${n:-0}" = 0 ] || wrong "$m: $n"
done
n=$(sum tocsin_sensor_lost_total)
[ "$n" = 0 ] || wrong "lost by sensors: $n"
grep '^tocsin: lost' $notes | head -n 5
# Of each program a fork, an exec and an end; of each file that it came, was
# renamed, and went.
seen=$(sensor bpf) made=$((2 * $(done_of execs) + $(done_of forks)))
[ "${seen:-0}" -ge "$made" ] || wrong "of $made acts of processes only $seen were seen"
seen_files=$(sensor fanotify)
made_files=$(($(done_of created) + $(done_of renamed) + $(done_of removed)))
[ "${seen_files:-0}" -ge "$made_files" ] ||
	wrong "of $made_files acts on files only $seen_files were seen"
echo "soak: loss: processes: $made acts made, $seen events; files: $made_files names made and gone, $seen_files events;" \
	"lost $(value tocsin_events_lost_total)"
echo "soak: remembered: processes $(value tocsin_processes)," \
	"evicted $(value tocsin_processes_evicted_total);" \
	"terms $(value tocsin_terms), evicted $(value tocsin_terms_evicted_total)"
awk -v seconds="$seconds" -f /tocsin/tests/soak/slope.awk $soak/samples || failed=1
exit $failed
