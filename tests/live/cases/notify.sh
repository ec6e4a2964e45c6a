# SPDX-License-Identifier: GPL-2.0-or-later
# What a service manager hears: sd_notify(3), over a socket of our own.
. /tocsin/tests/live/lib.sh
rule_short=notify T=notify
export NOTIFY_SOCKET=$live/notify
perl -MSocket -e '
	socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un($ARGV[0])) or die;
	$| = 1;
	while (defined recv(S, my $text, 65536, 0)) {
		print map { "$_\n" } split(/\n/, $text);
	}' $NOTIFY_SOCKET >$live/heard 2>&1 &
ear=$!
wait_until 5 test -S $NOTIFY_SOCKET
heard() { # N PATTERN: at least so many lines
	[ "$(grep -cE "$2" $live/heard)" -ge "$1" ]
}
listened() { # MARK: all that was sent before now has been heard
	perl -MSocket -e '
		socket(S, AF_UNIX, SOCK_DGRAM, 0) &&
			send(S, $ARGV[1], 0, sockaddr_un($ARGV[0])) or die
		' $NOTIFY_SOCKET "$1" || return
	wait_until 5 heard 1 "^$1\$"
}

mkdir $live/rules
cat >$live/rules/a.yml <<-'END'
	rule_id: a
	name: a
	description: a
	type: eql
	language: eql
	severity: low
	risk_score: 1
	query: file where event.action == "creation" and file.path like "/run/a*"
END
# A second: a sign of life every half second.
WATCHDOG_USEC=1000000 watch_start -r $live/rules
wait_until 5 heard 1 '^READY=1$'
is 'notify: ready' heard 1 '^READY=1$'
is 'notify: ready means that all is in place' same \
	"$(sed -n 's/^STATUS=//p' $live/heard | head -n 1)" \
	"$(sed -n 's/^tocsin: ready: //p' $notes)"
wait_until 10 heard 3 '^WATCHDOG=1$'
is 'notify: the watchdog is told, again and again' heard 3 '^WATCHDOG=1$'

kill -STOP $watcher
stands() { grep -q '^State:[[:space:]]*T' /proc/$watcher/status; }
wait_until 5 stands
is 'notify: what it has said by now is heard' listened before
before=$(grep -c WATCHDOG $live/heard)
sleep 2
is 'notify: and what it says in two seconds' listened after
is 'notify: who stands still says nothing' same \
	"$(grep -c WATCHDOG $live/heard)" $before
kill -CONT $watcher

kill -HUP $watcher
wait_until 5 heard 2 '^READY=1$'
is 'notify: reloading, with its time' heard 1 '^MONOTONIC_USEC=[0-9]+$'
is 'notify: reloading, then ready' same \
	"$(grep -E '^(READY|RELOADING)=' $live/heard | tr '\n' ' ')" \
	'READY=1 RELOADING=1 READY=1 '
echo 'query: [' >$live/rules/b.yml
kill -HUP $watcher
wait_until 5 heard 3 '^READY=1$'
is 'notify: a broken rule: says so, and goes on' heard 1 \
	'^STATUS=.*not reloaded'
wait_until 10 heard 1 '^STATUS=.*; 0 alerts, 0 events lost; the rules on disk'
is 'notify: and says it again and again' heard 1 \
	'^STATUS=.*; 0 alerts, 0 events lost; the rules on disk are broken'
touch /run/a.1
wait_until 10 heard 1 '^STATUS=.*; 1 alerts, 0 events lost'
is 'notify: alerts are counted' heard 1 '^STATUS=.*; 1 alerts, 0 events lost'
watch_stop
is 'notify: all is heard' listened end
# Until it has ended, it is alive.
is 'notify: stopping is the last' same "$(grep -vE '^(WATCHDOG|STATUS)=' \
	$live/heard | tail -n 2 | tr '\n' ' ')" 'STOPPING=1 end '
kill $ear

# Nobody listens: it runs all the same.
NOTIFY_SOCKET=/nowhere/at/all watch_start
cp $notes $live/unbound
watch_stop
is 'notify: nobody listens' same $watch_code 25

# With the capabilities of the unit, and no more, it sees and reads as much.
bounds=-all$(sed -n 's/^CapabilityBoundingSet=//p' /tocsin/contrib/tocsin.service |
	tr ' A-Z' '\na-z' | sed 's/^cap_/,+/' | tr -d '\n')
unset NOTIFY_SOCKET
all=$tocsin
cat >$live/bound <<-END
	#!/bin/sh
	exec setpriv --bounding-set=$bounds --inh-caps=-all --no-new-privs $all "\$@"
END
chmod 755 $live/bound
tocsin=$live/bound
mkdir -p -m 700 /home/alice/.config/systemd/user
chown -R alice: /home/alice/.config
rule=$(rule_id systemd_timer_created)
watch_start
is 'notify: bounded: the same sensors' same \
	"$(sed -n 's/^tocsin: ready: \(sensors [^,]*\),.*/\1/p' $notes)" \
	"$(sed -n 's/^tocsin: ready: \(sensors [^,]*\),.*/\1/p' $live/unbound)"
# It has its content when it appears.
(
	umask 077
	acts $bin/hers 'uid 1000' \
		'tmpfile /home/alice/.config/systemd/user/x.timer [Timer]'
)
wait_until 5 have_alerts "$rule" 1
is 'notify: bounded: a private file is read' same \
	"$(jq -r 'select(.rule.id == "'"$rule"'") | .file.hash.sha256' $alerts)" \
	"$(sha256sum </home/alice/.config/systemd/user/x.timer | cut -d ' ' -f 1)"
is 'notify: bounded: who made it is known' same \
	"$(jq -r 'select(.rule.id == "'"$rule"'") | [.process.name, .user.name] | join(" ")' $alerts)" \
	'hers alice'
watch_stop
is 'notify: bounded: nothing is left unwatched' \
	same "$(grep -c 'not watched' $notes)" 0
is 'notify: bounded: exit code' same $watch_code 25
