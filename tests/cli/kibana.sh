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
	echo '{"exportedCount":13,"missingRefCount":0,"missingReferences":[]}'
} >saved.ndjson
run 'kibana: saved objects' 1 rules check saved.ndjson
is 'kibana: saved objects: all told' 'tocsin: 5 ok, 5 unsupported, 1 broken' \
	"$err"
for id in k-eql k-terms k-often k-old k-pkg; do
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
grep -v exportedCount saved-ok.ndjson | jq -s '{page: 1, total: 13, saved_objects: .}' >page.json
run 'kibana: a page of saved objects' 0 rules check page.json
is 'kibana: a page of saved objects' 'tocsin: 5 ok, 5 unsupported, 0 broken' "$err"
jq -s '{page: 1, perPage: 20, total: 1, data: [.[] | .attributes | select(.rule_id)]}' \
	saved-ok.ndjson >find.json
run 'kibana: a page of rules' 0 rules check find.json
is 'kibana: a page of rules' 'ok          k-pkg' "$out"
jq -s '{data: [.[] | select(.type == "alert") | .attributes |
	{id: "x", name, tags, consumer, rule_type_id: .alertTypeId, params}]}' \
	saved-ok.ndjson >alerting.json
run 'kibana: a page of alerting' 0 rules check alerting.json
is 'kibana: a page of alerting' 'tocsin: 4 ok, 4 unsupported, 0 broken' "$err"
jq -s '{took: 1, hits: {total: {value: 1}, hits: [.[] | select(.type == "alert") |
	{_id: ("alert:" + .id), _source: {type: "alert", alert: .attributes}}]}}' \
	saved-ok.ndjson >hits.json
run 'kibana: hits' 0 rules check hits.json
is 'kibana: hits' 'tocsin: 4 ok, 4 unsupported, 0 broken' "$err"
jq -c '.hits.hits[]' hits.json >dump.ndjson
run 'kibana: a dump' 0 rules check dump.ndjson
is 'kibana: a dump' 'tocsin: 4 ok, 4 unsupported, 0 broken' "$err"
