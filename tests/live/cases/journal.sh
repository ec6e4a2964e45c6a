# SPDX-License-Identifier: GPL-2.0-or-later
# Messages: a journald of our own, real programs that write to it, and people
# who write what they should not.
. /tocsin/tests/live/lib.sh
rule_short=log
journald=/usr/lib/systemd/systemd-journald
if [ ! -x $journald ]; then
	skip 'journal: no systemd-journald here'
	exit 0
fi
own_rule log 'any where event.category in ("authentication", "session", "iam")'
cat >$live/text.yml <<'END'
rule_id: text
name: words in messages
description: messages with certain words
type: query
language: kuery
severity: low
risk_score: 1
max_signals: 100000
query: |
  event.dataset: "system.syslog" and process.name: tester and message: "Out of  CHEESE"
END
cat >$live/kernel.yml <<'END'
rule_id: kernel
name: said by the kernel
description: messages of the kernel
type: query
language: kuery
severity: low
risk_score: 1
max_signals: 100000
query: |
  process.name: kernel and message: "live test"
END

# Without a journal the others go on.
watch_start -r $live/log.yml
is 'journal: without one, ready with the others' \
	grep -q '^tocsin: ready: sensors bpf and fanotify,' $notes
watch_stop
is 'journal: without one, said once' same \
	"$(grep -c 'there is no journal of systemd here' $notes)" 1

mkdir -p /run/systemd/journal
ln -s /run/systemd/journal/dev-log /dev/log
$journald >$live/journald.out 2>&1 &
journald_pid=$!
if ! wait_until 5 test -S /run/systemd/journal/dev-log ||
	! wait_until 5 test -e /run/log/journal; then
	skip "journal: systemd-journald does not run here: $(cat $live/journald.out)"
	exit 0
fi
logger -t sshd 'Accepted password for early from 198.51.100.1 port 1 ssh2'
written() { journalctl -o cat 2>/dev/null | grep -qF "$1"; }
is 'journal: it takes messages' wait_until 10 written 'password for early'
rules="-r $live/log.yml -r $live/text.yml -r $live/kernel.yml
	-r /tocsin/rules/linux"
# shellcheck disable=SC2086 # a list of words
watch_start $rules --record $trace
is 'journal: ready with three' \
	grep -q '^tocsin: ready: sensors bpf, fanotify and journal,' $notes

logger -t sshd -p authpriv.info \
	'Accepted publickey for root from 198.51.100.7 port 51234 ssh2: ED25519 SHA256:abc'
logger -t sshd -p authpriv.info \
	'Failed password for invalid user a from 10.0.0.1 port 1 ssh2 from 198.51.100.8 port 7 ssh2'
setpriv --reuid 1000 --clear-groups logger -t sshd -p authpriv.info \
	'Accepted password for forged from 198.51.100.9 port 51234 ssh2'
setpriv --reuid 1000 --clear-groups logger -t kernel 'a live test of forging'
logger -t tester 'ran out of  cheese.'
logger -t tester 'out of cheesecake, out (of) "cheese"'
touch /etc/gshadow /etc/shadow
groupadd wheelers && useradd -M -s /bin/sh eve && usermod -aG wheelers eve
gpasswd -d eve wheelers >/dev/null
groupadd wheel && usermod -aG wheel alice
userdel eve
groupdel wheelers 2>/dev/null
for i in {1..10}; do
	logger -t sshd "Failed password for alice from 198.51.100.20 port $i ssh2"
done
logger -t sshd 'Accepted password for alice from 198.51.100.20 port 11 ssh2'
logger -t sshd -p authpriv.info \
	'Accepted password for last from 198.51.100.7 port 9 ssh2'

has_last() { grep -q '"name":"last"' $alerts 2>/dev/null; }
is 'journal: what was written last has arrived' wait_until 5 has_last

of() { # JQ-FILTER: of the rule `log`
	jq -rc "select(.rule.id == \"log\") | $1" $alerts
}
count() { of "$1" | wc -l; }
ssh='select(.event.action == "ssh_login")'
is 'journal: a login, in ECS' same "$(of "$ssh | select(.event.outcome ==
	\"success\" and .user.name == \"root\") | [.source.ip, .source.port,
	.system.auth.ssh.method, .system.auth.ssh.signature,
	.event.dataset, .event.category[0], .process.name]")" \
	'["198.51.100.7",51234,"publickey","ED25519 SHA256:abc","system.auth","authentication","sshd"]'
is 'journal: a failed login with a forged address' same "$(of "$ssh |
	select(.event.outcome == \"failure\" and .user.name != \"alice\") |
	[.source.ip, .user.name]")" \
	'["198.51.100.8","a from 10.0.0.1 port 1 ssh2"]'
is 'journal: nothing of what was written before' same \
	"$(count 'select(.user.name == "early")')" 0
is 'journal: an ordinary user logs nobody in' same \
	"$(count 'select(.user.name == "forged")')" 0
is 'journal: nor is he the kernel' same \
	"$(jq -r 'select(.rule.id == "kernel") | 1' $alerts | wc -l)" 0
is 'journal: phrases in messages, in any case' same \
	"$(jq -r 'select(.rule.id == "text") | .event.original' $alerts)" \
	"$(printf 'ran out of  cheese.\nout of cheesecake, out (of) "cheese"')"
iam() { # ACTION: process, its parent, user and group of the one such event
	of "select(.event.action == \"$1\" and .process.name != \"useradd\" or
		.event.action == \"$1\" and \"$1\" == \"added-user-account\") |
		select(.group.name != \"wheel\") |
		[.process.name, .process.parent.name, .user.name, .group.name]"
}
is 'journal: useradd' same "$(iam added-user-account)" \
	'["useradd","bash","eve",null]'
is 'journal: groupadd' same "$(iam added-group-account-to)" \
	'["groupadd","bash","root","wheelers"]'
is 'journal: usermod -aG' same "$(iam added-member-to-group)" \
	'["usermod","bash","eve","wheelers"]'
is 'journal: gpasswd -d' same "$(iam removed-member-from-group)" \
	'["gpasswd","bash","eve","wheelers"]'
is 'journal: userdel' same "$(iam deleted-user-account)" \
	'["userdel","bash","eve",null]'
is 'journal: the process is the one that ran' same "$(of 'select(.event.action
	== "added-user-account") | [.process.executable, .process.args[1],
	.event.outcome, .event.type]')" \
	'["/usr/sbin/useradd","-M","success",["user","creation"]]'
shipped() { # of all shipped rules: id, user, group or address
	jq -rc 'select(.rule.id | IN("log", "text", "kernel") | not) |
		[.rule.id, .user.name, .group.name // .source.ip]' $alerts
}
is 'journal: the shipped rules, two alerts' same "$(shipped)" \
	"$(printf '%s\n' '["privileged-group-joined","alice","wheel"]' \
		'["ssh-guessed","alice","198.51.100.20"]')"
# shellcheck disable=SC2086 # a list of words
check_replay $rules
# The file knows no processes, nor their users, but the messages are the same.
told='[.event.action, .event.outcome, .group.name, .source.ip,
	if .event.action | test("group-account") then null else .user.name end]'
"$tocsin" replay -r $live/log.yml --format ndjson --journal /run/log/journal/* \
	>$live/file.ndjson 2>$live/file.err
is 'journal: the file says what the sensor said' same \
	"$(jq -c "$told | select(.[4] != \"early\")" $live/file.ndjson)" \
	"$(of "$told")"
kill $journald_pid
