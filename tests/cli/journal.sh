# SPDX-License-Identifier: GPL-2.0-or-later
# Files of systemd's journal as recorded events. A journal is made with
# systemd-journal-remote where there is one; what needs none is tried anyway.

run 'journal: no such file' 18 replay --journal none.journal --kql '*'
has 'journal: no such file' 'none.journal: this is no journal to be read: No such file' "$err"
echo '{}' >text.journal
run 'journal: a text' 18 replay --journal text.journal --kql '*'
has 'journal: a text' 'text.journal: this is no journal to be read' "$err"
run 'journal: and events' 16 replay --journal text.journal events.ndjson --kql '*'
mkdir -p journals
run 'journal: an empty folder' 0 replay --journal journals --matches --kql '*'
is 'journal: an empty folder' '' "$out"

remote=/usr/lib/systemd/systemd-journal-remote
[ -x $remote ] || remote=/lib/systemd/systemd-journal-remote
entry() { # SECONDS UID PROGRAM MESSAGE [FIELD]
	printf '%s\n' "__REALTIME_TIMESTAMP=$((1767225600 + $1))000000" \
		"__MONOTONIC_TIMESTAMP=$((1000000 + $1))" \
		_BOOT_ID=0123456789abcdef0123456789abcdef \
		_MACHINE_ID=fedcba9876543210fedcba9876543210 \
		_HOSTNAME=web1 "_TRANSPORT=${6:-syslog}" "_UID=$2" "_PID=$((70 + $1))" \
		"_EXE=/usr/sbin/$3" "SYSLOG_IDENTIFIER=$3" PRIORITY=6 \
		"MESSAGE=$4" "${5:-SYSLOG_FACILITY=10}" ''
}
if [ -x $remote ]; then
	{
		entry 0 0 sshd 'Failed password for alice from 198.51.100.20 port 11 ssh2'
		entry 1 1000 sshd 'Accepted password for forged from 198.51.100.20 port 1 ssh2'
		entry 3 0 sshd 'Accepted password for alice from 198.51.100.20 port 12 ssh2'
		entry 5 0 journald 'Suppressed 12 messages' \
			'MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e
N_DROPPED=12' driver
	} >first.export
	entry 2 0 useradd 'new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/sh, from=none' \
		>second.export
	for part in first second; do
		$remote -o journals/$part.journal $part.export 2>/dev/null
	done
	logins='any where event.category in ("authentication", "iam")'
	run 'journal' 1 replay --journal journals --format ndjson --query "$logins"
	is 'journal: in order, only what is to be believed' \
		'["ssh_login","failure","alice","198.51.100.20"]
["added-user-account","success","eve",null]
["ssh_login","success","alice","198.51.100.20"]' \
		"$(jq -c '[.event.action, .event.outcome, .user.name, .source.ip]' <<<"$out")"
	is 'journal: who, where, when' \
		'["web1","fedcba9876543210fedcba9876543210",72,"/usr/sbin/useradd","2026-01-01T00:00:02.000000000Z"]' \
		"$(jq -c 'select(.user.name == "eve") | [.host.name, .host.id, .process.pid, .process.executable, ."@timestamp"]' <<<"$out")"
	has 'journal: what journald dropped' 'dropped 12 messages' "$err"
	run 'journal: files, a sequence' 1 replay --matches \
		--journal journals/second.journal --journal journals/first.journal \
		--query 'sequence by user.name with maxspan=5s
		[any where event.outcome == "failure"] [any where event.outcome == "success"]'
	is 'journal: files, a sequence' 2 "$(jq '.ids | length' <<<"$out")"
	run 'journal: every message is an event' 1 replay --matches \
		--journal journals --kql 'message: forged and event.dataset: system.*'
	cursor=$(jq -r '.ids[0]' <<<"$out")
	is 'journal: an id is a cursor' \
		'Accepted password for forged from 198.51.100.20 port 1 ssh2' \
		"$(journalctl -D journals --cursor "$cursor" -n 1 -o cat 2>/dev/null)"
	# Rules as they are exported, of logins, accounts and the kernel.
	{
		for i in {1..25}; do
			entry $((10 + i)) 0 sshd-session \
				"Failed password for root from 2001:db8::7 port $i ssh2"
		done
		entry 36 0 sshd-session \
			'Accepted password for root from 2001:db8::7 port 26 ssh2'
		for i in 7 7 8; do
			entry 36 0 sshd-session \
				"Accepted publickey for root from 2001:db8::$i port 9 ssh2: ED25519 SHA256:k$i"
		done
		entry 37 0 groupadd 'new group: name=hidden, GID=1002'
		entry 38 0 useradd 'new user: name=nobody2, UID=1003, GID=1003, home=/, shell=/bin/sh, from=none'
		entry 39 0 kernel 'sshd[4711]: segfault at 0 ip 00007f sp 00007f error 4 in libc.so.6[7f+1]' \
			_KERNEL_SUBSYSTEM=x kernel
		entry 40 0 kernel 'hello: module verification failed: signature and/or required key missing - tainting kernel' \
			_KERNEL_SUBSYSTEM=x kernel
		entry 41 1000 kernel 'hello: module verification failed: signature and/or required key missing - tainting kernel'
	} >third.export
	$remote -o third.journal third.export 2>/dev/null
	exported() { # ID TYPE LANGUAGE QUERY
		jq -cn --arg id "$1" --arg t "$2" --arg l "$3" --arg q "$4" \
			'{rule_id: $id, name: $id, type: $t, language: $l,
			query: $q, severity: "high", risk_score: 73}'
	}
	{
		exported guessed eql eql 'sequence by host.id, source.ip, user.name with maxspan=60s
  [authentication where host.os.type == "linux" and
   event.action in ("ssh_login", "user_login") and event.outcome == "failure"
   and source.ip != null and not cidrmatch(source.ip, "127.0.0.0/8", "::1")] with runs = 25
  [authentication where host.os.type == "linux" and event.action == "ssh_login" and
   event.outcome == "success"]'
		exported group eql eql 'iam where host.os.type == "linux" and
  event.type == "group" and event.type == "creation" and event.outcome == "success"'
		exported user query kuery 'event.category:iam and event.type:(user and creation) and
  data_stream.dataset:system.auth and not user.name:(a or eve)'
		for field in related.user related.ip system.auth.ssh.signature; do
			exported "new-$field" new_terms kuery \
				'event.category:authentication and event.action:ssh_login and event.outcome:success' |
				jq -c ".new_terms_fields = [\"$field\"] |
					.history_window_start = \"now-5d\""
		done
		exported segfault query kuery 'host.os.type:linux and event.dataset:system.syslog and
  process.name:kernel and message:(segfault and (su or sshd or sudo))'
		exported taint query kuery 'event.dataset:"system.syslog" and process.name:kernel and
  message:"module verification failed: signature and/or required key missing - tainting kernel"'
	} >exported.ndjson
	run 'journal: rules: this host can decide them' 0 rules check -q exported.ndjson
	is 'journal: rules: all of them' 8 "$(grep -c '^ok ' <<<"$out")"
	run 'journal: rules' 1 replay --matches -r exported.ndjson \
		--journal third.journal
	is 'journal: rules: each once' \
		'["group",1] ["guessed",26] ["new-related.ip",1] ["new-related.ip",1] ["new-related.user",1] ["new-system.auth.ssh.signature",1] ["new-system.auth.ssh.signature",1] ["segfault",1] ["taint",1] ["user",1]' \
		"$(jq -c '[.rule, (.ids | length)]' <<<"$out" | sort | paste -sd' ')"
	run 'journal: one of two is none' 18 replay --matches --kql 'message: forged' \
		--journal text.journal --journal journals/first.journal
	is 'journal: one of two is none' "$cursor" "$(jq -r '.ids[0]' <<<"$out")"
	head -c 4000 journals/first.journal >cut.journal
	run 'journal: cut' 18 replay --journal cut.journal --kql '*'
else
	echo 'SKIPPED - journal: no systemd-journal-remote here' >&2
fi
