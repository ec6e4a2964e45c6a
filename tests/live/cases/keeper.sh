# SPDX-License-Identifier: GPL-2.0-or-later
# The two processes: what each of them may still do, and what becomes of the
# other when one is killed.
. /tocsin/tests/live/lib.sh
rule=$(rule_id run_pid_lock_reboot_created) rule_short=keeper
T=keeper

child() { # of the watcher
	for p in /proc/[0-9]*; do
		[ "$(awk '/^PPid:/ { print $2 }' $p/status 2>/dev/null)" = "$watcher" ] &&
			echo "${p#/proc/}" && return
	done
	return 1
}
field() { # PID NAME
	awk -v n="$2:" '$1 == n { print $2 }' "/proc/$1/status"
}
says() { grep -q "$1" $notes; }
readies() { [ "$(grep -c '^tocsin: ready' $notes)" -ge "$1" ]; }

watch_start --record $trace
engine=$(child)
is 'keeper: the engine has no capability' same \
	"$(field "$engine" CapEff) $(field "$engine" CapPrm) $(field "$engine" CapBnd)" \
	'0000000000000000 0000000000000000 0000000000000000'
is 'keeper: the engine has a filter and gains nothing' same \
	"$(field "$engine" Seccomp) $(field "$engine" NoNewPrivs)" '2 1'
# CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE and CAP_SYS_NICE, linux/capability.h.
touch /run/early.pid
is 'keeper: a file is told' wait_until 5 have_alerts "$rule" 1
is 'keeper: the keeper has three capabilities' same "$(field $watcher CapEff)" \
	0000000000880004
is 'keeper: the keeper has a filter and gains nothing' same \
	"$(field $watcher Seccomp) $(field $watcher NoNewPrivs)" '2 1'
is 'keeper: the engine has no descriptor of a sensor' same \
	"$(ls -l /proc/"$engine"/fd | grep -c 'fanotify\|bpf')" 0
"$tocsin" doctor -s $live/state >$live/doctor
is 'keeper: doctor reads both back' grep -q \
	'keeper: 3 capabilities.*engine: no capability' $live/doctor ||
	cat $live/doctor

# A unit whose name is longer than any name, and than any request.
printf '[Timer]\nOnCalendar=daily\nUnit=%070000d.service\n' 0 \
	>/etc/systemd/system/long.timer
touch /run/still.pid
is 'keeper: a long name ends nobody' wait_until 5 have_alerts "$rule" 2
is 'keeper: … nor the engine' test -d "/proc/$engine"

# The engine is killed: another one goes on where it was.
kill -KILL "$engine"
# What was read for it, up to then, would go with it.
wait_until 15 says 'ended by signal 9'
echo $$ >/run/between.pid
wait_until 15 readies 2
is 'keeper: a killed engine is named' says 'ended by signal 9'
is 'keeper: another one is ready' readies 2
is 'keeper: what happened meanwhile is told' wait_until 5 have_alerts "$rule" 3
is 'keeper: with who did it' same \
	"$(jq -r 'select(.file.path == "/run/between.pid") | .process.name' $alerts)" bash
is 'keeper: it is another process' test "$(child)" != "$engine"
is 'keeper: with the same limits' same \
	"$(field "$(child)" CapEff) $(field "$(child)" Seccomp)" \
	'0000000000000000 2'
echo $$ >/run/after.pid
is 'keeper: and it watches' wait_until 5 have_alerts "$rule" 4
is 'keeper: the gap is recorded' same "$(db \
	"SELECT count(*) FROM gaps WHERE cause LIKE '%signal 9%'")" 1
kill -HUP $watcher
wait_until 5 says 'rules reloaded'
is 'keeper: the confined engine reloads its rules' says 'rules reloaded'
watch_stop
is 'keeper: it stops as always' same "$watch_code" 25

# The keeper is killed: the engine does not outlive it.
watch_start
engine=$(child)
kill -KILL $watcher
wait $watcher 2>/dev/null
is 'keeper: without its keeper the engine ends' \
	wait_until 5 test ! -d "/proc/$engine"
watch_start
echo $$ >/run/later.pid
is 'keeper: both are started again' wait_until 5 have_alerts "$rule" 1
# An engine that cannot live is given up.
while kill -0 $watcher 2>/dev/null; do
	engine=$(child) && kill -KILL "$engine" 2>/dev/null
	sleep 0.3
done
wait $watcher
is 'keeper: again and again is too often' same $? 18
is 'keeper: and says so' says 'again and again'
