# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin rules: what Kibana gives, in all its wrappings.

params='"ruleId":"ID","description":"D","from":"now-9m","immutable":false,
 "maxSignals":7,"riskScore":47,"riskScoreMapping":[],"severity":"medium",
 "threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0002",
 "name":"Execution","reference":"https://example.com"},"technique":[]}],
 "exceptionsList":[],"version":1,"index":["logs-*"]'
# saved TYPE ID MORE: an object of type alert, on one line
saved() {
	echo '{"id":"so-'"$2"'","type":"alert","attributes":{"name":"Rule '"$2"'",
	"tags":["x","y"],"alertTypeId":"'"$1"'","consumer":"siem","params":{
	'"${params/ID/$2}$3"'},"schedule":{"interval":"5m"},"enabled":true,
	"actions":[]},"references":[],"coreMigrationVersion":"8.0.0"}' |
		tr -d '\n\t'
	echo
}
{
	saved siem.eqlRule k-eql ',"type":"eql","language":"eql",
	"query":"process where process.name == \"a\"","filters":[],
	"alertSuppression":{"groupBy":["process.name"],
	"duration":{"value":5,"unit":"m"},"missingFieldsStrategy":"suppress"}'
	saved siem.newTermsRule k-terms ',"language":"kuery","query":
	"process.name: a","newTermsFields":["process.executable"],
	"historyWindowStart":"now-14d"'
	saved siem.thresholdRule k-often ',"type":"threshold",
	"language":"kuery","query":"process.name: a","threshold":{
	"field":["host.id"],"value":3,
	"cardinality":[{"field":"file.path","value":2}]}'
	saved siem.mlRule k-ml ',"anomalyThreshold":50,
	"machineLearningJobId":["x"]'
	saved siem.signals k-old ',"type":"query","language":"kuery",
	"query":"process.name: a"'
	saved siem.eqlRule k-category ',"type":"eql","language":"eql",
	"eventCategoryOverride":"event.type","query":"any where true"'
	saved siem.queryRule k-all ',"type":"query","language":"kuery","query":""'
	saved siem.queryRule k-broken ',"language":"kuery","query":"process.name: ("'
	saved siem.somethingNew k-new ',"query":"x"'
	saved .es-query k-other ''
	saved siem.notifications k-notify ''
	echo '{"id":"k-board","type":"dashboard","attributes":{"title":"B"}}'
	echo '{"id":"t","type":"tag","attributes":{"name":"T"}}'
	echo '{"id":"e","type":"exception-list","attributes":{"list_id":"l"}}'
	echo '{"id":"p","type":"security-rule","attributes":{"rule_id":"k-pkg",
	"name":"P","type":"query","language":"kuery","severity":"low",
	"risk_score":1,"query":"process.name: a"}}' | tr -d '\n'
	echo
	echo '{"exportedCount":14,"missingRefCount":0,"missingReferences":[]}'
} >saved.ndjson
run 'kibana: saved objects' 1 rules check saved.ndjson
is 'kibana: saved objects: all told' 'tocsin: 6 ok, 5 unsupported, 1 broken' \
	"$err"
for id in k-eql k-terms k-often k-old k-all k-pkg; do
	has 'kibana: saved objects' "ok          $id
" "$out
"
done
has 'kibana: learned by machines' 'unsupported k-ml: machine learning' "$out"
has 'kibana: another category' \
	'unsupported k-category: it takes the category from another' "$out"
has 'kibana: a broken one' 'error       k-broken' "$out"
has 'kibana: no type known' \
	'unsupported k-new: rules of this type are not known' "$out"
has 'kibana: no detection rule' 'unsupported so-k-other: an object of type ".es-query" is no detection rule' "$out"
has 'kibana: no rule' 'unsupported k-board: an object of type "dashboard"' "$out"
sed '/k-broken/d' saved.ndjson >saved-ok.ndjson
run 'kibana: saved: shown' 0 rules show -r saved-ok.ndjson k-eql
has 'kibana: saved: name' 'Rule k-eql' "$out"
has 'kibana: saved: query' 'process where process.name == "a"' "$out"
run 'kibana: saved: new terms' 0 rules show -r saved-ok.ndjson k-terms
has 'kibana: saved: new terms' \
	'new values of process.executable, not seen for 1209600 s' "$out"
run 'kibana: saved: threshold' 0 rules show -r saved-ok.ndjson k-often
has 'kibana: saved: threshold' \
	'from 3 events on with the same host.id, and 2 values of file.path' "$out"

# What matches says name, score, tags and tactic.
echo '{"@timestamp":"2026-01-01T00:00:00Z","event":{"id":"1","category":"process"},"process":{"name":"a","executable":"/a"}}' >saved-event.ndjson
run 'kibana: saved: alerts' 1 replay --format ndjson -r saved-ok.ndjson \
	saved-event.ndjson
is 'kibana: saved: alerts' \
	'"k-eql" "Rule k-eql" 47 "x,y" "TA0002"' "$(printf '%s\n' "$out" |
		jq -r 'select(.rule.id == "k-eql") |
		[.rule.id, .rule.name, .event.severity, (.tags // .rule.tags |
		join(",")), .threat.tactic.id[0]] | map(tojson) | join(" ")')"

# Pages of the APIs, and what Elasticsearch itself has.
grep -v exportedCount saved-ok.ndjson | jq -s '{page: 1, total: 14, saved_objects: .}' >page.json
run 'kibana: a page of saved objects' 0 rules check page.json
is 'kibana: a page of saved objects' 'tocsin: 6 ok, 5 unsupported, 0 broken' "$err"
jq -s '{page: 1, perPage: 20, total: 1, data: [.[] | .attributes | select(.rule_id)]}' \
	saved-ok.ndjson >find.json
run 'kibana: a page of rules' 0 rules check find.json
is 'kibana: a page of rules' 'ok          k-pkg' "$out"
jq -s '{data: [.[] | select(.type == "alert") | .attributes |
	{id: "x", name, tags, consumer, rule_type_id: .alertTypeId, params}]}' \
	saved-ok.ndjson >alerting.json
run 'kibana: a page of alerting' 0 rules check alerting.json
is 'kibana: a page of alerting' 'tocsin: 5 ok, 4 unsupported, 0 broken' "$err"
jq -s '{took: 1, hits: {total: {value: 1}, hits: [.[] | select(.type == "alert") |
	{_id: ("alert:" + .id), _source: {type: "alert", alert: .attributes}}]}}' \
	saved-ok.ndjson >hits.json
run 'kibana: hits' 0 rules check hits.json
is 'kibana: hits' 'tocsin: 5 ok, 4 unsupported, 0 broken' "$err"
jq -c '.hits.hits[]' hits.json >dump.ndjson
run 'kibana: a dump' 0 rules check dump.ndjson
is 'kibana: a dump' 'tocsin: 5 ok, 4 unsupported, 0 broken' "$err"

# A rule that names a query instead of having one, with a key as its type is.
echo '{"rule_id":"k-named","name":"N","type":"threshold","language":"kuery","severity":"low","risk_score":1,"saved_id":"x","threshold":{"field":[],"value":2}}' >named.json
run 'kibana: no query' 1 rules check named.json
has 'kibana: no query' 'error       k-named' "$out"
has 'kibana: no query' 'the key "query" is missing' "$out"

# Exception lists: exported behind the rules, each item for all that name its
# list; entries of all kinds.
listed() { # ID LISTS QUERY
	echo '{"rule_id":"'"$1"'","name":"N","type":"eql","language":"eql","severity":"low","risk_score":1,"query":"'"$3"'","exceptions_list":[{"id":"u","list_id":"'"$2"'","type":"detection","namespace_type":"single"}]}'
}
item() { # LIST ITEM ENTRIES [MORE]
	echo '{"id":"u","item_id":"'"$2"'","list_id":"'"$1"'","type":"simple","name":"Known '"$2"'","namespace_type":"single","tags":[],"comments":[],"entries":['"$3"']'"${4:-,\"os_types\":[]}"'}'
}
entry() { # FIELD OPERATOR TYPE VALUE
	echo '{"field":"'"$1"'","operator":"'"$2"'","type":"'"$3"'","value":'"$4"'}'
}
event() { # N MEMBERS
	echo '{"@timestamp":"2026-01-01T00:00:'"$(printf %02d "$1")"'Z","event":{"id":"'"$1"'","category":"process"},'"$2"'}'
}
{
	event 1 '"process":{"name":"a","pid":7,"args":["x"]}'
	event 2 '"process":{"name":"b","pid":8,"args":["C:\\t\\*1"]}'
	event 3 '"process":{"name":"c","pid":9,"args":["q\"\n"]},"user":{"id":"0"}'
	event 4 '"process":{"name":"d","pid":9,"args":["tmp.log"]},"source":{"ip":"10.1.2.3"}'
} >events.ndjson
# excepts NAME IDS ENTRIES [MORE]: ids of the events that are still matched
excepts() {
	{
		listed one kibana-list 'process where true'
		echo '{"list_id":"kibana-list","type":"detection","name":"L"}'
		item kibana-list i1 "$3" "${4:-}"
		echo '{"exported_rules_count":1,"exported_exception_list_item_count":1}'
	} >listed.ndjson
	run "kibana: $1" 1 replay --matches -r listed.ndjson events.ndjson
	is "kibana: $1" "$2" "$(printf '%s\n' "$out" | jq -r '.ids[]' | paste -sd' ')"
}
excepts 'exception: match' '2 3 4' "$(entry process.name included match '"a"')"
excepts 'exception: match, exact' '1 2 3 4' "$(entry process.name included match '"A"')"
excepts 'exception: match, a number' '1 3 4' "$(entry process.pid included match '"8"')"
excepts 'exception: match, odd characters' '1 2 4' \
	"$(entry process.args included match '"q\"\n"')"
excepts 'exception: match, not' '1' "$(entry process.name excluded match '"a"')"
excepts 'exception: any' '3 4' "$(entry process.name included match_any '["a","b"]')"
excepts 'exception: any, not' '1 2' "$(entry process.name excluded match_any '["a","b"]')"
excepts 'exception: exists' '1 2 4' \
	'{"field":"user.id","operator":"included","type":"exists"}'
excepts 'exception: does not exist' '3' \
	'{"field":"user.id","operator":"excluded","type":"exists"}'
excepts 'exception: wildcard' '1 2 3' "$(entry process.args included wildcard '"t?p.*"')"
excepts 'exception: wildcard, escaped' '1 3 4' \
	"$(entry process.args included wildcard '"?:\\\\t\\\\\\*?"')"
excepts 'exception: wildcard, a star' '1 2 3 4' \
	"$(entry process.args included wildcard '"\\*"')"
excepts 'exception: all entries' '1 2 3' \
	"$(entry process.pid included match '"9"'),$(entry process.name excluded match '"c"')"
excepts 'exception: nested' '2 3 4' \
	'{"field":"process","type":"nested","entries":['"$(entry name included match '"a"'),$(entry pid included match '"7"')"']}'
excepts 'exception: nested, not both' '1 2 3 4' \
	'{"field":"process","type":"nested","entries":['"$(entry name included match '"a"'),$(entry pid included match '"8"')"']}'
excepts 'exception: of another system' '1 2 3 4' \
	"$(entry process.name included match '"a"')" ',"os_types":["windows"]'
excepts 'exception: for a time' '3 4' "$(entry process.name included match_any '["a","b","c","d"]')" \
	',"expire_time":"2026-01-01T00:00:03Z"'
sed -i 's/"kibana-list","type":"simple"/"other-list","type":"simple"/' listed.ndjson
run 'kibana: exception: another list' 1 replay --matches -r listed.ndjson events.ndjson
is 'kibana: exception: another list' 4 "$(printf '%s\n' "$out" | wc -l)"

# A list of values is ours by the same name, or said to be missing.
{
	listed one l 'process where true'
	item l i1 '{"field":"process.name","operator":"included","type":"list","list":{"id":"known","type":"keyword"}}'
} >valued.ndjson
run 'kibana: exception: no such list' 1 rules check valued.ndjson
has 'kibana: exception: no such list' 'valued.ndjson:2: exception i1:1:' "$err$out"
has 'kibana: exception: no such list' 'known' "$err$out"
printf 'lists:\n  known: [a, c]\n' >known.yml
run 'kibana: exception: a list' 1 replay --matches -r known.yml -r valued.ndjson \
	events.ndjson
is 'kibana: exception: a list' '2 4' "$(printf '%s\n' "$out" | jq -r '.ids[]' | paste -sd' ')"
# One that is not understood is said, the others count.
{
	listed one l 'process where true'
	item l i1 "$(entry process.name included range '"a"')"
	item l i2 "$(entry process.name included match '"b"')"
} >odd.ndjson
run 'kibana: exception: unknown entry' 1 rules check odd.ndjson
has 'kibana: exception: unknown entry' 'entries of type "range" are not known' "$err$out"
has 'kibana: exception: unknown entry: the rule' 'ok          one' "$out"
# Of a sequence each event is excepted, of saved objects as well.
{
	listed seq l 'sequence by process.pid [process where process.name == \"c\"] [process where process.name == \"d\"]'
} >seq.ndjson
run 'kibana: exception: sequence' 1 replay --matches -r seq.ndjson events.ndjson
is 'kibana: exception: sequence: without' '{"rule":"seq","ids":["3","4"]}' "$out"
item l i1 "$(entry user.id included match '"0"')" |
	jq -c '{id: "x", type: "exception-list-agnostic", attributes: .}' >>seq.ndjson
run 'kibana: exception: sequence' 0 replay --matches -r seq.ndjson events.ndjson
is 'kibana: exception: sequence: its first event' '' "$out"
