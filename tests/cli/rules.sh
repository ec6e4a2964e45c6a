# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin rules.

mkdir set
cp rule1.yml set/
run 'check: ok' 0 rules check set
is 'check: ok' 'ok          rule1' "$out"
cp rule3.yml set/
run 'check: error' 1 rules check set
has 'check: error' 'error       rule3' "$out"
has 'check: place' 'set/rule3.yml:4:22: unknown field process.pdi; did you mean process.pid?' "$out"
has 'check: caret' '^' "$out"
is 'check: summary' 'tocsin: 1 ok, 0 unsupported, 1 broken' "$err"
run 'check: exit zero' 0 rules check --exit-zero set
run 'check: for programs' 1 rules check --format ndjson -q set
is 'check: for programs' \
	'{"id":"rule1","name":"Rule 1","status":"ok","reason":""}' \
	"$(printf '%s\n' "$out" | sed -n 1p)"
has 'check: reason' '"status":"error","reason":"set/rule3.yml:4:22: unknown field' \
	"$(printf '%s\n' "$out" | sed -n 2p)"
run 'check: one broken file' 1 rules check set/rule3.yml
echo 'rule_id: [' >set/rule4.yml
run 'check: no YAML' 1 rules check set
has 'check: no YAML' 'set/rule4.yml' "$out"
run 'check: no such path' 17 rules check none
mkdir unread
cp rule1.yml unread/
ln -s ../rule1.yml unread/link.yml
for action in check lint list watchset; do
	run "$action: a file that is not read" 17 rules $action unread
	has "$action: a file that is not read" 'is a symbolic link' "$out$err"
done
run 'show: a file that is not read' 17 rules show -r unread rule1
has 'show: a file that is not read' 'unread/link.yml: is a symbolic link' "$err"
run 'check: a file that is not read' 17 rules check --exit-zero unread
has 'check: a file that is not read' 'tocsin: 1 ok, 0 unsupported, 0 broken, 1 path not read' "$err"
run 'list' 17 rules list set
has 'list' 'Rule 1' "$out"
run 'list of the shipped' 0 rules list
is 'list of the shipped: nothing broken' 0 "$(printf '%s\n' "$out" | grep -c '^error')"
run 'json' 17 rules list --format json set
is 'json: a list of' '[ 3 ]' "$(printf '%s\n' "$out" | sed -n '1p;$p' |
	paste -sd' ' | sed "s/ / $(printf %s "$out" | grep -c '^{"id":') /")"
is 'json: commas between' 2 "$(printf %s "$out" | grep -c '^{.*},$')"
run 'show' 0 rules show -r rule1.yml rule1
has 'show: query' 'process where process.pid == 1' "$out"
has 'show: fields' 'process.pid' "$out"
is 'show: program' 'program
       0  in      1 3  event.category in ("process")
       1  in      2 3  (process.pid == 1)
       2  accept
       3  reject' "$(printf '%s\n' "$out" | sed -n '/^program/,$p')"
is 'show: what gives the fields' 'event.category every event
process.pid bpf' "$(printf '%s\n' "$out" | sed -n '/^fields/,/^program/p' |
	sed '1d;$d;s/^ *//;s/  */ /g')"
run 'show: unknown' 16 rules show nothing
has 'show: unknown' "no rule with the id 'nothing'" "$err"
run 'show: what' 16 rules show

run 'lint: nothing to say' 0 rules lint rule1.yml
is 'lint: nothing to say' '' "$out"
run 'lint: the shipped rules' 0 rules lint
is 'lint: the shipped rules' '' "$out"
cat >lint.yml <<'END'
rule_id: lint
name: Lint
type: eql
query: process where process.name in ("nc*", "cat") and process.name != "cat"
severity: low
risk_score: 21
lists:
  idle: [a, b]
END
run 'lint' 1 rules lint lint.yml
is 'lint: first' "lint.yml:4:39: lint: dead-wildcard: * and ? are plain characters after in; write : or like (…) to mean any text" \
	"$(printf '%s\n' "$out" | sed -n 1p)"
has 'lint: contradiction' 'lint.yml:4:46: lint: contradiction: "cat" is wanted here and excepted on line 4' "$out"
has 'lint: list' 'lint.yml:8:3: unused-list: no rule uses the list idle' "$out"
has 'lint: list: its line' "
  idle: [a, b]
  ^" "$out"
is 'lint: summary' 'tocsin: 1 rules, 3 findings' "$err"
cat >optional.yml <<'END'
rule_id: optional
name: Optional
type: eql
query: process where ?process.nmae == "x" or process.name == "cat"
severity: low
risk_score: 21
END
run 'check: an optional field' 0 rules check -q optional.yml
is 'check: an optional field' 'ok          optional' "$out"
run 'lint: an optional field' 1 rules lint -q optional.yml
is 'lint: an optional field' 'optional.yml:4:23: optional: unknown-field: never there: unknown field process.nmae; did you mean process.name?' \
	"$(printf '%s\n' "$out" | sed -n 1p)"
run 'show: an optional field' 0 rules show -r optional.yml optional
has 'show: an optional field' 'process.nmae                             nothing' "$out"
run 'lint: exit zero' 0 rules lint --exit-zero lint.yml
run 'lint: for programs' 1 rules lint --format ndjson -q set
has 'lint: for programs' '{"rule":"rule3","kind":"unknown-field","file":"set/rule3.yml","line":4,"column":22,"message":"unknown field process.pdi; did you mean process.pid?"}' "$out"
has 'lint: no YAML' '"kind":"error","file":"set/rule4.yml"' "$out"
is 'lint: nothing twice' '' "$err"
cat >over.yml <<'END'
- rule: rule1
  when: process.pid == 1
  reason: a test
  expires: 2020-02-29
END
echo "{rules: [$work/rule1.yml], exceptions: [$work/over.yml]}" >over-config.yaml
chmod 600 over-config.yaml
is 'lint: expired exception' \
	"$work/over.yml:2:9: rule1: expired-exception: this exception ended on 2020-02-29 and excepts nothing; renew it or take it out" \
	"$("$TOCSIN" -c over-config.yaml rules lint 2>/dev/null | sed -n 1p)"
run 'no action' 16 rules
run 'unknown action' 16 rules lsit
cat >file.yml <<'END'
rule_id: file
name: File
type: eql
query: file where file.path like "/srv/spool/*"
severity: low
risk_score: 21
END
run 'show: places' 0 rules show -r file.yml file
has 'show: places' 'watched places
    /srv/spool, and all below' "$out"
has 'show: places: sensor' ' fanotify
' "$out"
run 'show for programs' 0 rules show -r file.yml --format ndjson file
has 'show for programs: fields' '"fields":[{"name":"event.category","source":"every event"},{"name":"file.path","source":"fanotify"}],"sensors":["fanotify"],"watch":[{"path":"/srv/spool","recursive":true}]' "$out"
has 'show for programs: program' '"program":"   0  in      1 3  event.category in (\"file\")\n' "$out"
# What gives a field depends on the events that are asked for.
gives() { # QUERY SENSORS FIELD=SOURCE…
	local field
	sed "s#query: .*#query: '$1'#" rule1.yml >gives.yml
	run "show: sensors of $1" 0 rules show -r gives.yml --format ndjson rule1
	has "show: sensors of $1" "\"sensors\":[$2]," "$out"
	for field in "${@:3}"; do
		has "show: sensors of $1" \
			"{\"name\":\"${field%%=*}\",\"source\":\"${field#*=}\"}" "$out"
	done
}
gives 'authentication where source.ip != null and user.name == "x"' '"journal"' \
	'source.ip=journal' 'user.name=journal'
gives 'iam where group.name == "x" and tocsin.process.ancestors.name == "y"' \
	'"bpf","journal"' group.name=journal tocsin.process.ancestors.name=bpf
gives 'authentication where true' '"journal"'
gives 'network where source.ip != null' '"bpf"' source.ip=bpf
gives 'any where event.action : "ssh*" and user.name == "x"' '"journal"' \
	user.name=journal
gives 'any where not event.category in ("process", "network", "file") and user.name == "x"' \
	'"journal"' user.name=journal
gives 'sequence by user.name [authentication where true] [process where true]' \
	'"bpf","journal"' 'user.name=bpf, journal'
gives 'file where user.name == "x"' '"bpf","fanotify"' user.name=bpf
gives 'file where event.action == "snapshot" and file.path == "/x"' '"scan"' \
	file.path=scan
gives 'process where descendant of [file where file.path == "/x"]' \
	'"bpf","fanotify"' file.path=fanotify
gives 'any where message : "x"' '"bpf","fanotify","journal"' message=journal
run 'show: sensors of the shipped' 0 rules show ssh-guessed
has 'show: sensors of the shipped' "$(printf '    %-40s journal' source.ip)" "$out"
cat >terms.yml <<'END'
{rule_id: terms, name: T, type: new_terms, language: kuery, query: "process.pid: *",
 severity: low, risk_score: 21, history_window_start: now-2h,
 new_terms_fields: [process.executable, host.id]}
END
cat >often.yml <<'END'
{rule_id: often, name: O, type: threshold, language: kuery, query: "process.pid: *",
 severity: low, risk_score: 21,
 threshold: {field: [host.id], value: 3, cardinality: [{field: file.path, value: 2}]}}
END
run 'show: new terms' 0 rules show -r terms.yml terms
has 'show: new terms' 'new values of process.executable, host.id, not seen for 7200 s' "$out"
while read -r window seconds; do
	sed "s|now-2h|$window|" terms.yml >window.yml
	run "show: a window of $window" 0 rules show -r window.yml terms
	has "show: a window of $window" "not seen for $seconds s" "$out"
done <<-'END'
	now-7d/d 604800
	now-1M 2678400
	now-2y/M 63244800
	now-1M-12h-30m 2723400
END
for window in now- now-1d- now--1d now-1M12h now-M now-1000000000y now/d 1M; do
	sed "s|now-2h|$window|" terms.yml >window.yml
	run "check: a window of $window" 1 rules check window.yml
	has "check: a window of $window" 'must be like now-7d' "$out$err"
done
run 'show: a threshold' 0 rules show -r often.yml often
has 'show: a threshold' 'from 3 events on with the same host.id, and 2 values of file.path, within 540 s' "$out"
# What no event of this host says of itself.
says() { # QUERY WORDS
	sed "s|query: .*|query: $1|" rule1.yml >only.yml
	run "check: $1" 0 rules check only.yml
	has "check: $1" "$2" "$out"
}
says 'process where host.os.type == "windows"' \
	'needs host.os.type to be "windows": this host runs Linux'
says 'process where host.os.type in ("macos", "linux")' 'ok          rule1'
for query in 'network where event.action in ("lookup_requested", "lookup_result")' \
	'network where network.protocol == "dns"' \
	'network where network.protocol in~ ("DNS", "llmnr")' \
	'network where destination.domain != null' \
	'any where event.dataset == "network_traffic.dns"' \
	'sequence by process.pid [process where true] [dns where true]'; do
	says "$query" 'there is no DNS sensor'
done
says 'network where network.protocol == "http"' \
	'not have: application protocols are not decoded'
says 'network where not network.protocol == "dns"' 'ok          rule1'
says 'any where rule.name == "x"' 'not have: only alerts have it'
# Names of ECS that no event here has, and the endpoint's: known, not errors.
for name in event.agent_id_status event.ingested agent.name ecs.version \
	error.message labels.env trace.id organization.name source.nat.ip \
	destination.registered_domain network.community_id process.vpid \
	process.supplemental_groups.id process.parent.group_leader.pid \
	process.entry_leader.parent.session_leader.pid user.full_name \
	user.audit.id file.mime_type log.file.path threat.software.name \
	related.hosts kibana.saved_object.id elastic_agent.id; do
	says "any where $name != null" "unsupported rule1: needs "
done
says 'any where related.ip == "192.0.2.1"' 'ok          rule1'
says 'file where event.action == "opened-file"' 'to be "opened-file"'
says 'file where event.action like ("open*", "reads*")' 'to be "open*"'
says 'file where event.action like~ "CREA*"' 'ok          rule1'
says 'file where event.action != "opened-file"' 'ok          rule1'
says 'file where not event.dataset == "a.b"' 'ok          rule1'
says 'any where event.action == "no" or process.name == "x"' 'ok          rule1'
says 'file where event.dataset == "fim.event" and event.action == "updated"' \
	'ok          rule1'
says 'any where azure.a.b == "c"' 'needs azure.*, which this host does not have'
says 'any where not azure.a.b == "c"' 'ok          rule1'
sed 's/query: .*/query: any where azur.a == "c"/' rule1.yml >only.yml
run 'check: a name of no family' 1 rules check only.yml
sed 's/query: .*/query: dns where process.name == "x"/' rule1.yml >dns.yml
run 'check: no DNS' 0 rules check dns.yml
has 'check: no DNS' 'unsupported rule1: ' "$out"
has 'check: no DNS: why' 'needs event.category to be "dns": there is no DNS' "$out"
n=0
says 'process where descendant of [process where process.name == "a"]' \
	'ok          rule1'
says 'process where arraySearch(process.env_vars, $e, $e like "LD_*")' \
	'ok          rule1'
says 'process where _arraysearch(process.thread.Ext.call_stack, $e, $e.symbol_info like "x")' \
	'needs process.thread.*, which this host does not have: only Windows'
for query in 'process where descendant of [dns where true]' \
	'process where arrayCount(process.env_vars, $e, $e : "LD_*") > 1' \
	'process where $e.x == 1'; do
	n=$((n + 1))
	sed "s/query: .*/query: '$query'/;s/rule1/e$n/" rule1.yml >endpoint$n.yml
	run "check: endpoint's $n" 0 rules check endpoint$n.yml
	has "check: endpoint's $n" "unsupported e$n: " "$out"
	run "lint: endpoint's $n" 0 rules lint endpoint$n.yml
done
run 'replay: unsupported query' 17 replay --query "$query" events.ndjson
has 'replay: unsupported query' 'the query is unsupported' "$err"
sed 's/query: .*/query: file where file.name == "x"/' file.yml >nowhere.yml
run 'lint: no place' 1 rules lint nowhere.yml
has 'lint: no place' 'nowhere.yml:4:19: file: unwatched: no place to watch can be derived from this: ' "$out"
run 'show: no place' 0 rules show -r nowhere.yml file
has 'show: no place' 'watched places
    no place to watch can be derived from 1 condition: only met where' "$out"
run 'show: no place, for programs' 0 rules show -r nowhere.yml --format ndjson file
has 'show: no place, for programs' '"watch":[],"unwatched":1,' "$out"
for place in 'startsWith(file.path, "/srv/a/")=/srv/a/*' \
	'file.path regex "/srv/b/.*|/srv/c"=/srv/b/* /srv/c' \
	'file.directory == "/srv"=/srv/?*'; do
	sed "s#query: .*#query: 'file where ${place%=*}'#" file.yml >nowhere.yml
	run "watchset: ${place%=*}" 0 rules watchset nowhere.yml
	is "watchset: ${place%=*}" "${place##*=}" "$(cut -f1 <<<"$out" | paste -sd' ')"
	run "lint: ${place%=*}" 0 rules lint nowhere.yml
done
run 'watchset' 0 rules watchset file.yml
has 'watchset' '/srv/spool' "$out"
run 'watchset for programs' 0 rules watchset --format ndjson file.yml
has 'watchset for programs' '"path":"/srv/spool' "$out"
has 'watchset for programs: rule' '"rule":"file"' "$out"

# The place of a fault in a query that the file has otherwise than it is read.
placed() { # PLACE LINE, and what is behind "query: "
	{ printf '%s\n' 'rule_id: a' 'name: n' 'type: eql' 'severity: low' \
		'risk_score: 1'
		printf 'query: '
		cat
	} >placed.yml
	run "check: place $1" 1 rules check placed.yml
	is "check: place $1" "placed.yml:$1: unknown field process.nmae; did you mean process.name?
$2" "$(printf '%s\n' "$out" | sed -n 2,3p)"
}
placed 9:3 '  process.nmae == "x"' <<'END'
>-
  process where
  process.name == "x" and
  process.nmae == "x"
END
placed 11:5 '    process.nmae == "x"' <<'END'
> # folded

  process where

  not
    process.nmae == "x"
END
placed 8:3 '  process.nmae == "x"' <<'END'
process where
  process.name == "x" and
  process.nmae == "x"
END
placed 7:30 "  process.name == \"it''s\" or process.nmae == 1'" <<'END'
'process where
  process.name == "it''s" or process.nmae == 1'
END
placed 6:53 "query: 'process where process.name == \"it''s\" and   process.nmae == 1'" <<'END'
'process where process.name == "it''s" and   process.nmae == 1'
END
placed 7:26 '  process.pid == 1 and\n process.nmae == \"x\""' <<'END'
"process where
  process.pid == 1 and\n process.nmae == \"x\""
END
# What has been written in numbers is not looked for.
placed '6: query:1:15' 'process where process.nmae == 1' <<'END'
"process\x20where process.nmae == \x31"
END

# However many are broken, each has its own reason, and is named once.
for i in $(seq 300); do
	echo "{\"rule_id\":\"m$i\",\"name\":\"m\",\"type\":\"eql\",\"query\":\"file where x$i\",\"severity\":\"low\",\"risk_score\":1}"
done >many.ndjson
run 'many broken' 1 rules check --format ndjson -q many.ndjson
is 'many broken: each with its place' 300 \
	"$(printf '%s\n' "$out" | grep -c '"reason":"many.ndjson:[0-9]*:[0-9]*: unknown field x[0-9]*')"
is 'many broken: nothing twice' '' "$err"

# A field that this host fills with some values only.
mkdir -p only
for call in finit_module ptrace; do
	cat >only/$call.yml <<END
rule_id: $call
name: n
description: d
type: eql
language: eql
severity: low
risk_score: 1
query: |
  any where auditd.data.syscall in ("$call")
END
done
run 'check: only some values' 0 rules check -q --format ndjson only
is 'check: a value it has' 1 \
	"$(grep -c '"id":"finit_module".*"status":"ok"' <<<"$out")"
is 'check: a value it has not' 1 \
	"$(grep -c '"id":"ptrace".*"status":"unsupported"' <<<"$out")"
