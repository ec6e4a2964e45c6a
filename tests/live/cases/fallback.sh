# SPDX-License-Identifier: GPL-2.0-or-later
# The five detections with each combination of sensors: what must be told, by
# whom, and what cannot be. The acts wait for who looks from time to time; of
# quick ones it is only asked that nobody wrong is named.
. /tocsin/tests/live/lib.sh
out=2001:db8::1
motd=/etc/update-motd.d units=/etc/systemd/system
motd_rule=$(rule_id motd_process_spawned)
pid_rule=$(rule_id run_pid_lock_reboot_created)
content_rule=$(rule_id run_pid_lock_reboot_content)
timer_rule=$(rule_id systemd_timer_created)
web_rule=$(rule_id web_server_command)
cat_rule=$(rule_id cat_network_activity)

serve() { # PORT
	: >$live/serving.$1
	ACT=$(words serve tcp :: "$1") ACT_LOG= "$act" >$live/serving.$1 &
	wait_until 5 grep -q serving $live/serving.$1
}
# The watcher outside sees the acts of other tests, too: names and numbers are
# this run's own.
run=$((RANDOM % 9000 + 1000)) port=$((RANDOM % 20000 + 20000))
serve $port

# ---- the watcher, inside or outside of the small host's pids --------------

# The connector answers only to the real host's pids and network: its watcher
# stands outside, and sees other processes of the host as well.
is_started() { grep -q '^tocsin: ready:' $notes || [ -e $live/watch.code ]; }
start() { # SENSOR SENSOR
	rm -rf $live/state $alerts
	if [ "$1" = proc ]; then
		: >$notes
		rm -f $live/watch.code
		echo "watch $tocsin watch --format ndjson -s $live/state" \
			"-o $alerts --sensor $1 --sensor $2" >$live/outside
		wait_until 15 is_started
	else
		watch_start --sensor "$1" --sensor "$2"
	fi
}
stop() { # SENSOR
	if [ "$1" = proc ]; then
		echo 'stop TERM' >$live/outside
		wait_until 10 test -s $live/watch.code
		watch_code=$(cat $live/watch.code)
	else
		watch_stop
	fi
}

# ---- what is looked at ----------------------------------------------------

# told RULE TAG: one line for each alert of that rule that speaks of the tag.
told() {
	jq -r --arg rule "$1" --arg tag "$2" 'select(.rule.id == $rule and
		(tojson | contains($tag))) |
		[.process.name, .process.parent.name, .user.name,
		.tocsin.attribution] | map(. // "-") | join(" ")' $alerts
}
# wants WHAT RULE TAG LINE: that alert, and no other; LINE "" = none.
wants() {
	is "$combination: $1" same "$(told "$2" "$3")" "$4"
}
is_told() { [ -n "$(told "$1" "$2")" ]; }
# never WHAT RULE TAG NAME: whoever is named is the right one.
never() {
	is "$combination: $1" same \
		"$(told "$2" "$3" | cut -d' ' -f1 | grep -vx -e "$4" -e -)" ''
}

# told_of RULE TAG COMMAND…: what does `slow`, or is killed, when that is told.
told_of() {
	local pid
	rm -f $live/told
	"${@:3}" &
	pid=$!
	wait_until 3 is_told "$1" "$2"
	: >$live/told
	[ "$3" != connects ] || kill $pid
	wait $pid 2>/dev/null
}
connects() {
	exec 3<>/dev/tcp/$out/$port
	exec cat <&3 >/dev/null
}

# The acts of one combination.
act_all() {
	local -x ACT_1=$slow
	actor $bin/bash
	actor $bin/sh
	told_of "$motd_rule" "$T\"" starts $motd/90-$T -- $bin/bash -i $T
	told_of "$web_rule" "$T\"" starts /usr/sbin/nginx -- $bin/sh -c id $T
	if [ "$who" = kernel ]; then
		told_of "$pid_rule" "$T.pid" \
			acts /tmp/implant "create /run/$T.pid 1" "$slow"
	else
		acts /tmp/implant "create /run/$T.pid 1" 'sleep 100'
	fi
	told_of "$timer_rule" "$T.timer" \
		acts $bin/implant "create $units/$T.timer x" "$slow"
	told_of "$content_rule" "$T-elf.pid" \
		acts $bin/daemon "create /run/$T-elf.pid "$'\177ELF' "$slow"
	told_of "$cat_rule" "\"port\":$port" connects
	unset ACT_1
	local T=${T}q # quick ones
	starts $motd/91-$T -- $bin/bash -i $T
	starts /usr/sbin/nginx -- $bin/sh -c id $T
	by touch /run/$T.pid
	by touch $units/$T.timer
}

combination() { # PROCESSES FILES HOW-PROCESSES HOW-FILES
	local how=$3 who=$4
	combination="$1 and $2"
	T=f${1:0:2}${2:0:2}$run
	# Who looks, at once or every half second, may have other things to do.
	# The kernel's own facts need no time.
	case $1-$who in
	bpf-kernel) slow='sleep	100' ;;
	*) slow="until	$live/told" ;;
	esac
	start "$1" "$2"
	if grep -q "host's own pid and user namespaces" $notes; then
		skip "$combination: these tests run in a container"
		return
	fi
	# Both come after that; a poller has looked by then.
	wait_until 5 test -s $live/state/status.json
	wait_until 10 has_noted 'first start: '
	is "$combination: these are in use" \
		grep -q "^tocsin: ready: sensors $1 and $2," $notes
	is "$combination: the status record names them" same "$(jq -r \
		'[.event.action, (.tocsin.sensors[] |
		select(.role != "messages") | .name)] | join(" ")' \
		$live/state/status.json)" "running $1 $2"
	is "$combination: and says whether somebody can be named" same "$(jq -r '
		.tocsin.sensors[] | select(.role == "files") |
		.not_seen | contains("who did it")' $live/state/status.json)" \
		"$([ "$who" = kernel ] && echo false || echo true)"
	is "$combination: doctor says what is used" grep -q \
		"^ok *watcher .* processes by $1, files by $2" \
		<("$tocsin" doctor -s $live/state)
	act_all >$live/out.$T 2>&1
	is "$combination: the acts were done" test ! -s $live/out.$T ||
		cat $live/out.$T
	stop "$1"
	wants 'a shell of a motd script' "$motd_rule" "$T\"" "bash 90-$T root $how"
	wants 'a command of a web server' "$web_rule" "$T\"" "sh nginx root $how"
	if [ "$who" = kernel ]; then
		wants 'a pid file' "$pid_rule" "$T.pid" 'implant bash root kernel'
		wants 'a timer' "$timer_rule" "$T.timer" 'implant bash root kernel'
	else
		wants 'a pid file: needs to know who, so not told' \
			"$pid_rule" "$T.pid" ''
		wants 'a pid file with a program in it: nobody named' \
			"$content_rule" "$T-elf.pid" "- - - $who"
		wants 'a timer: told, nobody named' "$timer_rule" "$T.timer" \
			"- - - $who"
	fi
	wants 'cat on a connection' "$cat_rule" "\"port\":$port" "cat bash root $how"
	never 'a quick shell of a motd script' "$motd_rule" "91-$T" bash
	never 'a quick pid file' "$pid_rule" "${T}q.pid" touch
	never 'a quick timer' "$timer_rule" "${T}q.timer" touch
	is "$combination: stopped by a signal" same "$watch_code" 25
	is "$combination: which the status record says" same \
		"$(jq -r .event.action $live/state/status.json)" stopped
}

combination bpf fanotify kernel kernel
combination proc fanotify kernel kernel
combination poll fanotify polled kernel
combination bpf inotify kernel unavailable
combination proc inotify kernel unavailable
combination poll inotify polled unavailable
combination bpf poll kernel unavailable
combination proc poll kernel unavailable
combination poll poll polled unavailable
