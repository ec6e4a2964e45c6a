# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin replay: times, ids, order, bad lines.

cat >events.ndjson <<'END'
{"@timestamp":"2026-01-01T00:00:00Z","event":{"id":"a","category":"process"},"process":{"pid":1}}
{"@timestamp":"2026-01-01T01:00:02+01:00","event":{"id":"b","category":"process"},"process":{"pid":2}}
{"@timestamp":"2026-01-01T00:00:05.5Z","event":{"id":"c","category":"process"},"process":{"pid":3}}
END
any='process where true'
ids() {
	tocsin replay --matches "$@" 2>err |
		sed 's/.*"ids":\[\(.*\)\]}/\1/' | paste -sd' '
}

run 'nothing matches' 0 replay --matches --query 'file where true' events.ndjson
is 'nothing matches' '' "$out"
run 'something matches' 1 replay --matches --query 'process where process.pid == 2' events.ndjson
is 'something matches' '{"rule":"query","ids":["b"]}' "$out"
run 'exit zero' 0 replay --matches --exit-zero --query "$any" events.ndjson
is 'all match' '"a" "b" "c"' "$(ids --query "$any" events.ndjson)"
is 'KQL' '"a" "c"' "$(ids --kql 'process.pid: (1 or 3)' events.ndjson)"
is 'standard input' '"a" "b" "c"' "$(ids --query "$any" - <events.ndjson)"
is 'a pipe' '"a" "b" "c"' "$(cat events.ndjson | ids --query "$any" -)"
pids='sequence with maxspan=3s [any where process.pid == 2] [any where process.pid == 3]'
is 'maxspan, zone and fraction' '' "$(ids --query "$pids" events.ndjson)"
is 'maxspan' '"b","c"' "$(ids --query "${pids/3s/3500ms}" events.ndjson)"

# Beside user.effective.id, user.id is the real user, as auditd has it: also in
# our own events, where it is the effective one.
cat >users.ndjson <<'END'
{"event.id":"a","event.category":"process","agent.type":"tocsin","process.name":"su","user.id":"0","user.effective.id":"0","user.Ext.real.id":"1000"}
{"event.id":"b","event.category":"process","agent.type":"tocsin","process.name":"ls","user.id":"0","user.effective.id":"0","user.Ext.real.id":"0"}
{"event.id":"c","event.category":"process","process.name":"su","user.id":"1000","user.effective.id":"0"}
END
is 'became root: EQL' '"a" "c"' \
	"$(ids --query 'process where user.id != "0" and user.effective.id == "0"' users.ndjson)"
is 'became root: KQL' '"a" "c"' \
	"$(ids --kql 'user.effective.id: 0 and user.id: (* and not 0)' users.ndjson)"
is 'became root: by its user' '"a","c"' \
	"$(ids --query 'sequence by user.id [process where user.effective.id == "0"] [any where true]' users.ndjson)"
cat >became.yml <<'END'
rule_id: became
name: Became root
type: new_terms
language: kuery
query: "user.effective.id: 0 and user.id: *"
new_terms_fields: [user.id]
history_window_start: now-1d
severity: low
risk_score: 21
END
cat >but.yml <<'END'
- rule: became
  when: user.id == "1000"
  reason: a test
END
echo "{rules: [$work/became.yml]}" >became.yaml
echo "{rules: [$work/became.yml], exceptions: [$work/but.yml]}" >but.yaml
chmod 600 became.yaml but.yaml
became() {
	"$TOCSIN" -c $1.yaml replay --matches users.ndjson 2>err |
		sed 's/.*"ids":\[\(.*\)\]}/\1/' | paste -sd' '
}
is 'became root: new terms' '"a" "b"' "$(became became)"
is 'became root: an exception' '"b"' "$(became but)"
is 'user.id alone' '"a" "b"' "$(ids --query 'process where user.id == "0"' users.ndjson)"

# Text: words and phrases, in any case. What EQL compares is the whole.
cat >text.ndjson <<'END'
{"event.id":"a","message":"x: module verification failed: signature and/or required key missing - tainting kernel"}
{"event.id":"b","message":"sshd[12]: segfault at 0 ip 00007f"}
{"event.id":"c","message":"sshdx SegFaults"}
END
text() { ids --kql "$1" text.ndjson; }
is 'text: a phrase' '"a"' "$(text 'message: "module verification failed: signature and/or required key missing - tainting kernel"')"
is 'text: words are whole' '"b"' "$(text 'message: (segfault and (agetty or sshd))')"
is 'text: the beginning of a word' '"b" "c"' "$(text 'message: seg*')"
is 'text: a part of a word' '"b" "c"' "$(text 'message: *fault*')"
is 'text: any case' '"b"' "$(text 'message: "SSHD"')"
is 'text: any of the words' '"a" "b"' "$(text 'message: key ip')"
is 'text: one after the other' '' "$(text 'message: "key ip"')"
is 'text: nothing but signs' '' "$(text 'message: "..."')"
is 'text: there' '"a" "b" "c"' "$(text 'message: *')"
is 'text: no field' '"b"' "$(text 'sshd')"
is 'text: EQL' '"c"' "$(ids --query 'any where message == "sshdx SegFaults"' text.ndjson)"

# Order.
tac events.ndjson >reverse.ndjson
is 'sorted' '"a" "b" "c"' "$(ids --query "$any" reverse.ndjson)"
is 'sorted from a pipe' '"a" "b" "c"' \
	"$(cat reverse.ndjson | ids --query "$any" -)"
is 'as they come' '"c" "b" "a"' \
	"$(ids --order input --query "$any" reverse.ndjson)"
has 'as they come: said' '2 events came more than a second after later ones' \
	"$(cat err)"
sed -n 1p events.ndjson >one.ndjson
sed -n 2p events.ndjson >two.ndjson
is 'files are one' '"a" "b"' "$(ids --query "$any" two.ndjson one.ndjson)"
# A time within another object does not deceive the quick look for long.
{
	echo '{"x":{"@timestamp":1},"@timestamp":9,"event":{"id":"n1","category":"process"}}'
	echo '{"x":{"@timestamp":0},"@timestamp":8,"event":{"id":"n2","category":"process"}}'
} >nested.ndjson
is 'time in another object' '"n2" "n1"' "$(ids --query "$any" nested.ndjson)"
printf '{"@timestamp":5,"event.category":"process","event.id":"%s"}\n' x y z \
	>same.ndjson
is 'same time: order of input' '"x" "y" "z"' "$(ids --query "$any" same.ndjson)"

# Ids and times of other names and types.
cat >other.ndjson <<'END'
{"t":3,"n":30,"event.category":"process"}
{"t":1,"n":"ten","event.category":"process"}
{"t":2,"event.category":"process"}
END
is 'ids as they are' '"ten" null 30' \
	"$(ids --time t --id n --query "$any" other.ndjson)"
is 'one field for both' '1 2 3' \
	"$(ids --time t --id t --query "$any" other.ndjson)"
run 'unknown field' 17 replay --matches --query 'any where n == 30' other.ndjson
has 'unknown field' 'unknown field' "$err"
run 'open schema' 1 replay --matches --schema any --id n --query 'any where n == 30' other.ndjson
is 'open schema' '{"rule":"query","ids":[30]}' "$out"
run 'no time' 1 replay --matches --query "$any" other.ndjson
has 'no time: said' '3 events have no time' "$err"
run 'no time, quiet' 1 replay -q --matches --query "$any" other.ndjson
is 'no time, quiet' '' "$err"

cat >numbers.ndjson <<'END'
{"n":12345678901234567890,"event.category":"process"}
{"n":1.50,"event.category":"process"}
{"n":1e3,"event.category":"process"}
{"n":"a\u0041","event.category":"process"}
END
is 'ids keep their digits' '12345678901234567890 1.50 1e3 "aA"' \
	"$(ids --id n --query "$any" numbers.ndjson)"
is 'ids keep their digits in sequences' '1.50,1e3' "$(ids --id n --query \
	"sequence by event.category [$any] [$any]" numbers.ndjson | cut -d' ' -f2)"

# A value has the type of its field, however the event writes it.
cat >types.ndjson <<'END'
{"@timestamp":1,"event":{"id":"a","category":"process"},"user":{"id":1},"process":{"pid":"12"}}
{"@timestamp":2,"event":{"id":"b","category":"file"},"user":{"id":"1"},"process":{"pid":12}}
{"@timestamp":3,"event":{"id":"c","category":"file"},"user":{"id":1.0},"process":{"pid":7}}
END
typed() { ids --query "$1" types.ndjson; }
is 'types: join keys of text' '"a","b"' \
	"$(typed 'sequence by user.id [process where true] [file where true]')"
is 'types: join keys of numbers' '"a","b"' \
	"$(typed 'sequence by process.pid [process where true] [file where true]')"
is 'types: functions' '"a" "b"' "$(typed 'any where length(user.id) == 1')"
is 'types: parts' '"a" "b"' "$(typed 'any where endsWith(user.id, "1")')"
is 'types: arithmetic' '"a" "b"' "$(typed 'any where process.pid + 0 == 12')"
is 'types: a number as text' '"a" "b"' "$(typed 'any where user.id == 1')"
is 'types: as it is written' '"c"' "$(typed 'any where user.id == "1.0"')"
is 'types: text as a number' '"a" "b"' "$(typed 'any where process.pid == "12"')"
cat >new.yml <<'END'
rule_id: new
name: New
type: new_terms
language: kuery
query: event.category:*
new_terms_fields: [user.id]
severity: low
risk_score: 21
END
is 'types: new terms' '"a" "c"' "$(ids -r new.yml types.ndjson)"
echo '{"event":{"id":"d","category":"x"},"u":1}' >untyped.ndjson
is 'types: not of unknown fields' '' "$(ids --schema any --query \
	'any where length(u) == 1' untyped.ndjson)"

# A byte order mark stands at the beginning of a file only.
printf '\xef\xbb\xbf' | cat - events.ndjson >mark.ndjson
for order in time input; do
	is "byte order mark: by $order" "$(ids --query "$any" events.ndjson)" \
		"$(ids --order $order --query "$any" mark.ndjson)"
	is "byte order mark: nothing to say by $order" '' "$(cat err)"
done
printf '\xef\xbb\xbf' | cat - reverse.ndjson >mark-reverse.ndjson
is 'byte order mark: sorted' '"a" "b" "c"' "$(ids --query "$any" mark-reverse.ndjson)"
run 'byte order mark: alone' 0 replay --query "$any" - < <(printf '\xef\xbb\xbf')
run 'byte order mark: later' 18 replay --query "$any" events.ndjson mark.ndjson - \
	< <(cat events.ndjson mark.ndjson)
has 'byte order mark: later' 'standard input:4' "$err"

# Bad input: said, skipped, 18.
{
	sed -n 1p events.ndjson
	echo '{"@timestamp":"2026-01-01T00:00:01Z","process":{"pid":}}'
	echo
	echo '[1]'
	echo '{"@timestamp":"yesterday","event.category":"process"}'
	sed -n 2p events.ndjson | tr -d '\n'
} >bad.ndjson
run 'bad lines' 18 replay --matches --query "$any" bad.ndjson
is 'bad lines: the others' '{"rule":"query","ids":["a"]}
{"rule":"query","ids":["b"]}' "$out"
has 'bad line: place' 'bad.ndjson:2:55: ' "$err"
has 'bad line: no object' 'bad.ndjson:4:1: an event must be a JSON object' "$err"
has 'bad line: time' 'bad.ndjson:5:16: the time is neither' "$err"
is 'bad line: once' 1 "$(grep -c bad.ndjson:2: err)"
run 'missing file' 18 replay --matches --query "$any" none.ndjson events.ndjson
has 'missing file' 'none.ndjson: cannot be opened' "$err"
is 'missing file: the others' 3 "$(printf '%s\n' "$out" | wc -l)"
run 'a folder' 18 replay --matches --query "$any" .
has 'a folder' '.: cannot be read: Is a directory' "$err"
: >nothing.ndjson
run 'an empty file' 0 replay --matches --query "$any" nothing.ndjson

# Rules.
run 'no such rules' 17 replay -r none.yml events.ndjson
has 'no such rules' 'none.yml: cannot open' "$err"
run 'two queries' 16 replay --query "$any" --kql 'a: b' events.ndjson
run 'query and rules' 16 replay --query "$any" -r x events.ndjson
run 'which files' 16 replay --query "$any"
run 'broken query' 17 replay --query 'process where (' events.ndjson
for n in 1 2; do
	cat >rule$n.yml <<END
rule_id: rule$n
name: Rule $n
type: eql
query: process where process.pid == $n
severity: low
risk_score: 21
END
done
run 'rules' 1 replay --matches -r rule1.yml -r rule2.yml events.ndjson
is 'rules' '{"rule":"rule1","ids":["a"]}
{"rule":"rule2","ids":["b"]}' "$out"
sed 's/process.pid/process.pdi/;s/rule1/rule3/' rule1.yml >rule3.yml
run 'a broken rule among them' 17 replay --matches -r rule3.yml -r rule2.yml events.ndjson
is 'a broken rule among them' '{"rule":"rule2","ids":["b"]}' "$out"
has 'a broken rule among them' 'rule3.yml:4:22: unknown field' "$err"
run 'shipped rules' 0 replay events.ndjson
is 'shipped rules: no complaint' '' "$err"
run 'alerts' 1 replay -r rule1.yml --format ndjson events.ndjson
has 'alerts' '"rule":{"id":"rule1"' "$out"
is 'alerts: one line' 1 "$(printf '%s\n' "$out" | wc -l)"
run 'alerts as text' 1 replay -r rule1.yml --format text events.ndjson
has 'alerts as text' 'Rule 1' "$out"

# A trace of our own: what is known at its start, its order, its aliases.
cat >terms.yml <<'END'
rule_id: terms
name: New names
type: new_terms
query: "process.name: *"
new_terms_fields: [process.name]
history_window_start: now-5d
severity: low
risk_score: 21
END
event() {
	printf '{"@timestamp":"2026-01-01T00:00:0%sZ","event":{"id":"%s","category":["process"]},"agent":{"type":"%s"},"process":{"name":"%s","executable":"/x/%s"},"tocsin":{"process":{"exec_path":"./%s"}}}\n' \
		"$1" "$1" "$2" "$3" "$3" "$3"
}
{
	echo '{"tocsin":{"trace":{"version":1,"learn_until_ns":1767225602000000000,"terms":[]}}}'
	event 1 tocsin ls
	event 3 tocsin cat
	event 2 tocsin sh
	event 4 tocsin ls
} >trace.ndjson
is 'trace: learns, then alerts, in its own order' '"3" "2"' \
	"$(ids -r terms.yml trace.ndjson)"
is 'trace: not late' '' "$(cat err)"
sed -i '1s/"version":1/"version":2/' trace.ndjson
run 'trace of an unknown version' 18 replay --matches -r terms.yml trace.ndjson
has 'trace of an unknown version' 'trace.ndjson:1:1: the trace is of an unknown version' "$err"
event 1 tocsin ls >ours.ndjson
event 1 other ls >theirs.ndjson
is 'aliases of our own events' '"1"' \
	"$(ids --query 'process where process.executable == "./ls" and process.executable == "/x/ls"' ours.ndjson)"
is 'not of others' '' \
	"$(ids --query 'process where process.executable == "./ls"' theirs.ndjson)"

# --explain.
run 'explain' 1 replay -r rule1.yml --explain rule1 --format text events.ndjson
is 'explain: yes' 'event "a" 2026-01-01T00:00:00.000000000Z
  yes
match of "a"' "$(printf '%s\n' "$out" | sed -n 1,3p)"
is 'explain: no' 'event "b" 2026-01-01T00:00:02.000000000Z
  no
    rule1.yml:4:22: this is false: process.pid == 1
      process.pid is 2' "$(printf '%s\n' "$out" | sed -n 4,7p)"
run 'explain for programs' 0 replay --query 'process where process.pid in (8, 9) and not process.name == "x"' --explain query events.ndjson
is 'explain for programs' '{"rule":"query","id":"a","@timestamp":"2026-01-01T00:00:00.000000000Z","stages":[{"stage":1,"kind":"event","holds":false,"reasons":[{"test":"process.pid in (8, 9)","true":false,"excepted":false,"file":"","line":1,"column":15,"values":{"process.pid":[1]}}],"more":0}]}' \
	"$(printf '%s\n' "$out" | sed -n 1p)"
printf '%s\n' '{"event":{"id":"n","category":"file"},"file":{"path":"/etc/a\n\tb\r\u001b  \\c"}}' >control.ndjson
run 'explain: a value as it is' 0 replay --format text --explain query --query \
	'file where file.path ==
	   "x"' control.ndjson
has 'explain: the test on one line' '1:12: this is false: file.path == "x"' "$out"
has 'explain: a value as it is' 'file.path is "/etc/a\x0a\x09b\x0d\x1b  \\c"' "$out"
run 'explain: other category' 0 replay --query 'file where true' --explain query events.ndjson
is 'explain: other category' '' "$out"
commas=$(printf '%2000s' '' | tr ' ' ,)
echo '{"@timestamp":"2026-01-01T00:00:00Z","event":{"category":"process"},"process":{"name":"'"$commas"'x"}}' >commas.ndjson
run 'explain: given up' 0 replay --query 'process where process.name regex "(.*,){900}x"' --explain query --format text commas.ndjson
has 'explain: given up' '1:15: this was given up as too costly: process.name regex' "$out"
has 'given up' '1 times a regular expression, or a test of many values, was given up as too costly' "$err"
run 'given up, for programs' 0 replay --query 'process where process.name regex "(.*,){900}x"' --explain query commas.ndjson
has 'given up, for programs' '"true":false,"given_up":true,"excepted":false' "$out"
run 'padded' 1 replay --matches --query 'process where process.name regex "(.*,){20}x"' commas.ndjson
run 'explain: which rule' 16 replay -r rule1.yml --explain rule9 events.ndjson
has 'explain: which rule' 'no rule with the id' "$err"
run 'explain: a broken rule' 17 replay -r rule3.yml --explain rule3 events.ndjson
has 'explain: a broken rule' 'that --explain names is broken' "$err"
run 'explain or matches' 16 replay -r rule1.yml --explain rule1 --matches events.ndjson

# What waited for nothing to happen has the evidence of its last event.
cat >trail.ndjson <<'END'
{"@timestamp":"2026-01-01T00:00:00Z","event":{"id":"1","category":["file"]},"process":{"entity_id":"A","name":"sh"},"file":{"path":"/tmp/x"}}
{"@timestamp":"2026-01-01T00:00:01Z","event":{"id":"2","category":["process"],"action":"exec"},"process":{"entity_id":"A","name":"id","pid":5,"args":["id","-u"]},"user":{"name":"eve"}}
{"@timestamp":"2026-01-01T00:10:00Z","event":{"id":"3","category":["file"]},"process":{"entity_id":"B","name":"other"},"user":{"name":"mallory"}}
END
run 'nothing followed' 1 replay --format ndjson --query 'sequence
	by process.entity_id with maxspan=1m [file where true] [process where true]
	![process where event.action == "end"]' trail.ndjson
is 'nothing followed: whose it was' \
	'["id",5,["id","-u"],"eve",["eve"],"2",["1","2","-"],null]' \
	"$(jq -c '[.process.name, .process.pid, .process.args, .user.name,
	.related.user, .event.id, .tocsin.alert.events, .file.path]' <<<"$out")"
has 'nothing followed: message' 'id (pid 5, eve)' "$(jq -r .message <<<"$out")"
run 'tail' 1 replay --format ndjson --query 'file where true | tail 1' trail.ndjson
is 'tail: the event' '["other","3"]' \
	"$(jq -c '[.process.name, .event.id]' <<<"$out")"

# Others' events: times in other fields or as numbers, actions of other words,
# processes without a pid. What the alert says of them is what they say.
cat >others.ndjson <<'END'
{"t":1767225600000000001,"@timestamp":7,"event":{"id":"1","category":"file","action":"overwrite"},"process":{"name":"sh"},"file":{"path":"/tmp/x"}}
{"t":1767225600000000002,"event":{"id":"2","category":"network","action":"denied"},"destination":{"ip":"::1","port":7},"network":{"transport":"tcp"}}
{"t":1767225600000000003,"@timestamp":"2026-01-01T01:00:00.000000003+01:00","event":{"id":"3","category":"process"},"process":{"name":"id","pid":5}}
{"t":1767225600000000004,"event":{"id":"4","category":"file"},"file":{"path":"/tmp/x"}}
END
run 'events of others' 1 replay --format ndjson --time t --query 'any where true' \
	others.ndjson
is 'events of others: time and message' \
	'["2026-01-01T00:00:00.000000001Z","query: sh: overwrite /tmp/x"]
["2026-01-01T00:00:00.000000002Z","query: an unknown process: denied with [::1]:7 over tcp"]
["2026-01-01T01:00:00.000000003+01:00","query: id (pid 5, unknown)"]
["2026-01-01T00:00:00.000000004Z","query: an unknown process /tmp/x"]' \
	"$(jq -c '[.["@timestamp"], .message]' <<<"$out")"
run 'events of others: nothing followed' 1 replay --format ndjson --time t \
	--query 'sequence with maxspan=1s [process where true] ![file where file.name == "y"]' \
	others.ndjson
is 'events of others: nothing followed: time' \
	'"2026-01-01T01:00:00.000000003+01:00"' \
	"$(jq -c '.["@timestamp"]' <<<"$out")"
run 'events of others: nothing followed, no date' 1 replay --format ndjson --time t \
	--query 'sequence with maxspan=1s [network where true] ![file where file.name == "y"]' \
	others.ndjson
is 'events of others: nothing followed: its own time' \
	'"2026-01-01T00:00:00.000000002Z"' "$(jq -c '.["@timestamp"]' <<<"$out")"

# A signal: what was read until then is told, what only waited for time to pass
# is not; what the shell or nohup ignores is ignored. The FIFO is opened after
# the signals are caught, and by order of input each event is looked at at once.
mkfifo signals.fifo
signalled() { # SIGNAL COMMAND…
	local signal=$1
	shift
	"$@" "$TOCSIN" -c empty.yaml replay --matches --order input --query \
		'sequence with maxspan=1s [process where true] ![file where true]' \
		signals.fifo >out 2>err &
	exec 9>signals.fifo
	cat one.ndjson >&9
	kill -$signal $!
	exec 9>&-
	wait $!
}
signalled TERM env
is 'SIGTERM: exit code' 25 $?
is 'SIGTERM: said' 'tocsin: stopped; not everything was read' "$(cat err)"
is 'SIGTERM: nothing is believed missing' '' "$(cat out)"
signalled HUP nohup
is 'SIGHUP ignored: exit code' 1 $?
is 'SIGHUP ignored: all was read' '{"rule":"query","ids":["a",-1]}' "$(cat out)"
mkfifo lines.fifo
"$TOCSIN" -c empty.yaml replay --matches --query "$any" lines.fifo events.ndjson \
	>out 2>err &
exec 9>lines.fifo
kill -TERM $!
exec 9>&-
wait $!
is 'SIGTERM while it is copied' 25 $?
