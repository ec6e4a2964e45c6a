# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin scan with rules of type new_terms: what the monitor has seen, which is
# read from its state folder, is not new.
. /tocsin/tests/live/lib.sh
T=history
rule() { # ID
	cat <<-END
	rule_id: $1
	name: $1
	description: a file whose name was not seen before
	type: new_terms
	language: kuery
	severity: low
	risk_score: 1
	query: 'event.category: file and file.path: /srv/pids/* and
	  event.action: (creation or snapshot)'
	new_terms_fields: [file.path]
	history_window_start: now-14d
	END
}
rule names >$live/rule.yml
rule others >$live/other.yml
mkdir -p /srv/pids
echo 1 >/srv/pids/older.pid
scan() { # OPTION…: what is found, in one line
	"$tocsin" scan -q --only files --format ndjson "$@" /srv/pids \
		2>$live/scan.err | jq -r .file.path | sort | tr '\n' ' '
}
# The locks of those who read are in -shm.
scanned() { (cd $live/state && ls -A && sha256sum state.db state.db-wal); }

is 'history: without a monitor nothing is new' \
	same "$(scan -r $live/rule.yml -s $live/state)" ''
watch_start -r $live/rule.yml
echo 2 >/srv/pids/known.pid
wait_until 10 have_alerts names 1
is 'history: a monitor that runs knows it' \
	same "$(scan -r $live/rule.yml -s $live/state)" ''
watch_stop
echo 3 >/srv/pids/known.pid
echo 4 >/srv/pids/later.pid
before=$(scanned)
is 'history: what nobody saw is new, what was seen or is older is not' \
	same "$(scan -r $live/rule.yml -s $live/state)" '/srv/pids/later.pid '
is 'history: a scan teaches nothing' \
	same "$(scan -r $live/rule.yml -s $live/state)" '/srv/pids/later.pid '
is 'history: it is only read' same "$(scanned)" "$before"
is 'history: of another rule nothing is known' \
	same "$(scan -r $live/other.yml -s $live/state)" ''
printf 'learning_period: 1d\n' >$live/learn.yaml
chmod 600 $live/learn.yaml
is 'history: what came while it learned is not new' \
	same "$(scan -r $live/rule.yml -s $live/state -c $live/learn.yaml)" ''
rm $live/state/state.db*
head -c 8192 /dev/urandom >$live/state/state.db
is 'history: damaged: nothing is new' \
	same "$(scan -r $live/rule.yml -s $live/state)" ''
"$tocsin" scan --only files -r $live/rule.yml -s $live/state /srv/pids \
	>/dev/null 2>$live/scan.err
is 'history: damaged: said' \
	grep -q 'not covered: what the monitor has seen before' $live/scan.err
