# SPDX-License-Identifier: GPL-2.0-or-later
# The program as a service: start, reload, stop, restart, and what it says
# when something is not as it should be.
. /tocsin/tests/live/lib.sh
rule=$(rule_id run_pid_lock_reboot_created) rule_short=service
T=service

one_line() { [ "$(wc -l <"$1")" -eq 1 ]; }
# exits CODE WHAT COMMAND…: that exit code and one line on standard error.
exits() {
	local code=$1 what=$2 got
	shift 2
	timeout 100 "$@" >$live/out 2>$live/err
	got=$?
	is "service: $what: exit code" same $got "$code"
	is "service: $what: one clear line" one_line $live/err || cat $live/err
	[ "$(wc -l <$live/err)" -eq 1 ] || cat $live/err
}

rule_file() { # FILE ID QUERY
	cat >"$1" <<-END
		rule_id: $2
		name: $2
		description: $2
		type: eql
		language: eql
		severity: low
		risk_score: 1
		query: |
		  $3
	END
}
mkdir $live/rules
rule_file $live/rules/a.yml first 'file where event.action == "creation" and file.path like "/run/first*"'

# Reload: a broken file keeps the old set and says why.
watch_start -r $live/rules
touch /run/first.1
wait_until 2 have_alerts first 1
exits 24 'a second watcher on the same state' \
	"$tocsin" watch -s $live/state -r $live/rules
is 'service: which names the first' grep -q "(pid $watcher)" $live/err
is 'service: a rule of our own alerts' have_alerts first 1
rule_file $live/rules/b.yml second 'file where event.action == "creation" and file.nam == "second"'
kill -HUP $watcher
wait_until 2 grep -q 'file\.name' $notes
is 'service: a broken rule at reload is named' grep -q 'b\.yml:[0-9]' $notes
is 'service: with the nearest field' grep -q 'file\.name' $notes
touch /run/first.2
wait_until 2 have_alerts first 2
is 'service: the old rules are still in force' have_alerts first 2
rule_file $live/rules/b.yml second 'file where event.action == "creation" and file.path like "/srv/new/second"'
mkdir /srv/new
kill -HUP $watcher
wait_until 5 grep -q 'rules reloaded' $notes
touch /srv/new/second
wait_until 2 have_alerts second 1
is 'service: a mended rule is taken, its folder watched' have_alerts second 1
watch_stop TERM
is 'service: SIGTERM: exit code' same $watch_code 25
cp $notes $live/notes.first

# First-seen terms outlive a restart.
watch_start
touch /run/again.pid
wait_until 2 have_alerts "$rule" 1
is 'service: first sight alerts' have_alerts "$rule" 1
watch_stop INT
is 'service: SIGINT: exit code' same $watch_code 25
rm /run/again.pid
watch_start
touch /run/again.pid
touch /run/other.pid
wait_until 2 grep -q other.pid $alerts
watch_stop # it has told all that it has to
is 'service: seen before the restart, no alert' \
	same "$(grep -c again.pid $alerts)" 0
is 'service: what is new alerts' same "$(grep -c other.pid $alerts)" 1

# Killed in the middle, it starts again.
watch_start
kill -KILL $watcher
wait $watcher 2>/dev/null
watch_start
touch /run/after-kill.lock
wait_until 2 grep -q after-kill $alerts
is 'service: after kill -9 it starts and alerts' grep -q after-kill $alerts
watch_stop

# What cannot work says so.
exits 18 'no root' setpriv --reuid 1000 --clear-groups "$tocsin" watch -s /tmp/s --sensor fanotify
rule_file $live/bad.yml bad 'process where process.nmae == "x"'
timeout 100 "$tocsin" watch -s $live/state -r $live/bad.yml >/dev/null 2>$live/err
is 'service: a broken rule at start: exit code' same $? 17
is 'service: it is named with line and column' grep -q 'bad\.yml:[0-9]*:[0-9]*: ' $live/err
is 'service: and the nearest field' grep -q 'process\.name' $live/err
exits 17 'a configuration that is not there' "$tocsin" watch -s $live/state -c $live/none.yaml
echo 'colour: [' >$live/broken.yaml
timeout 100 "$tocsin" watch -s $live/state -c $live/broken.yaml >/dev/null 2>$live/err
is 'service: a broken configuration: exit code' same $? 17
is 'service: it is named with its line' grep -q 'broken\.yaml:[0-9]' $live/err
exits 17 'rules that are not there' "$tocsin" watch -s $live/state -r $live/none.yml
exits 16 'an unknown option' "$tocsin" watch --frobnicate
exits 18 'an output that cannot be written' "$tocsin" watch -s $live/state -o /nowhere/x
