# SPDX-License-Identifier: GPL-2.0-or-later
# alert_suppression: what is held back is counted; groups, missing fields, the
# groups of thresholds. And exceptions that end with a day.

suppressing() { # MORE: a rule in JSON
	echo '{"rule_id":"sup","name":"S","type":"query","language":"kuery",
	"query":"user.id: *","severity":"low","risk_score":21,'"$1"'}'
}
# told FILE: seconds, id of the event or what is counted
told() {
	tocsin replay --format ndjson -r "$1" again.ndjson 2>err |
		jq -r '[."@timestamp"[17:19], (.tocsin.alert.events[0] //
		"+\(.tocsin.alert.suppressed)")] | join(" ")' | paste -sd,
}
for i in 0 1 2 3 4 5 6 7 8 9; do
	name=a
	[ $((i % 3)) -eq 2 ] && name=b
	process='"process":{"name":"'$name'"},'
	case $i in 4 | 6) process= ;; esac
	echo '{"@timestamp":"2026-01-01T00:00:'$i'0Z","event":{"id":'$i',"category":"process"},'"$process"'"user":{"id":"1"}}'
done | sed '/:[6-9]0Z/s/00:00:\([6-9]\)0Z/00:01:0\1Z/' >again.ndjson
suppressing '"alert_suppression":{"group_by":["process.name"],"duration":"1h"}' >once.json
is 'suppressed: given once' '00 0,20 2,40 4' "$(told once.json)"
is 'suppressed: counted' \
	'tocsin: 7 alerts were held back as the same as one before (alert_suppression)' "$(cat err)"
suppressing '"alert_suppression":{"group_by":["process.name"],
	"duration":{"value":30,"unit":"s"},"missing_fields_strategy":"suppress"}' >short.json
is 'suppressed: until its time is over' '00 0,20 2,30 3,40 4,50 5,07 7' \
	"$(told short.json)"
sed 's/"suppress"/"doNotSuppress"/' short.json >alone.json
is 'suppressed: not what lacks a field' 2 "$(told alone.json | tr , '\n' | grep -cE ' (4|6)$')"
run 'suppressed: shown' 0 rules show -r alone.json sup
has 'suppressed: shown' 'one alert in 30 s with the same process.name, if there are all of them' "$out"

# A threshold's groups are its own.
suppressing '"threshold":{"field":["process.name"],"value":1},"from":"now-5s",
	"alert_suppression":{"duration":{"value":5,"unit":"h"}}' |
	sed 's/"type":"query"/"type":"threshold"/' >often.json
is 'suppressed: threshold' '00 0,20 2' "$(told often.json)"
run 'suppressed: threshold: shown' 0 rules show -r often.json sup
has 'suppressed: threshold: shown' 'one alert in 18000 s with the same process.name' "$out"

# What is left of the events of a sequence that ends with time does not tell of
# all fields: then each is given.
cat >late.yml <<'END'
rule_id: late
name: L
type: eql
severity: low
risk_score: 21
alert_suppression: {group_by: [x509.version_number, cloud.region], duration: 5m}
query: |
  sequence by user.id with maxspan=10s
    [process where process.name == "a"] ![file where true]
END
for i in 1 2; do
	echo '{"@timestamp":"2026-01-01T00:00:0'$i'Z","event":{"id":"'$i'","category":"process"},"process":{"name":"a"},"user":{"id":"'$i'"},"cloud":{"region":"r'$i'"}}'
done >late.ndjson
is 'suppressed: of earlier events' '1 2' "$(tocsin replay --format ndjson -r late.yml late.ndjson 2>err |
	jq -r '.tocsin.alert.events[0]' | paste -sd' ')"

# Ids that are no strings, of events before the last.
run 'ids are numbers' 1 replay --format ndjson --query \
	'sequence [process where process.name == "a"] [process where process.name == "b"]' again.ndjson
is 'ids are numbers' '["1","2"]' "$(printf '%s\n' "$out" | jq -c '.tocsin.alert.events' | sed -n 1p)"

# Filters that are switched off are none.
suppressing '"filters":[{"meta":{"disabled":true},"query":{}}]' >off.json
run 'filter: off' 0 rules check off.json
is 'filter: off' 'ok          sup' "$out"
suppressing '"filters":[{"meta":{"disabled":true}},{"meta":{"disabled":false}}]' >on.json
run 'filter: on' 0 rules check on.json
has 'filter: on' 'unsupported sup: it filters with' "$out"

# A rule that is switched off in Kibana is told of, and does not run.
suppressing '"enabled":false' >disabled.json
run 'disabled' 0 rules check disabled.json
is 'disabled' 'disabled    sup: it is switched off in the export' "$out"
is 'disabled: counted' 'tocsin: 0 ok, 0 unsupported, 0 broken, 1 disabled' "$err"
run 'disabled: listed' 0 rules list disabled.json
has 'disabled: listed' 'disabled    query' "$out"
run 'disabled: does not run' 0 replay -r disabled.json again.ndjson
is 'disabled: does not run' '' "$out"
saved siem.queryRule k-off ',"type":"query","language":"kuery","query":""' |
	sed 's/"enabled":true/"enabled":false/' >saved-off.ndjson
run 'disabled: saved' 0 rules check -q saved-off.ndjson
is 'disabled: saved' 'disabled    k-off: it is switched off in the export' "$out"

# All the last day, and at the very end that is given.
excepted() { # EXPIRES: those that are not
	{
		echo '{"rule": "sup", "reason": "r", "when": "user.id == \"1\"",'
		echo '"expires": "'"$1"'"}'
	} >until.json
	echo "{rules: [$work/off.json], exceptions: [$work/until.json]}" >until.yaml
	chmod 600 until.yaml
	"$TOCSIN" -c until.yaml replay --matches days.ndjson 2>err |
		jq -r '.ids[]' | paste -sd' '
}
for time in 2026-01-01T23:59:59.999999999Z 2026-01-02T00:00:00Z 2026-01-02T00:00:00.000000001Z; do
	echo '{"@timestamp":"'$time'","event":{"id":"'${time#*T}'"},"user":{"id":"1"}}'
done >days.ndjson
is 'exception: expires: a day' '00:00:00Z 00:00:00.000000001Z' "$(excepted 2026-01-01)"
is 'exception: expires: a time' '00:00:00.000000001Z' "$(excepted 2026-01-02T00:00:00Z)"
is 'exception: expires: the day before' 3 "$(excepted 2025-12-31 | wc -w)"
