# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/elastic-rules: a small clone of our own, as Elastic's is laid out.

elastic_rule() { # MATURITY ID TYPE QUERY
	cat <<-EOF
		[metadata]
		creation_date = "2026/01/01"
		maturity = "$1"

		[rule]
		rule_id = "$2"
		name = "Ünusual \"$2\""
		type = "$3"
		severity = "low"
		risk_score = 21
		query = '''
		$4
		'''
	EOF
}
mkdir -p clone/rules/linux clone/rules/cross-platform clone/rules/windows
{
	printf '\357\273\277' # as some editors begin a file
	elastic_rule production e1 eql 'process where process.name == "a"'
} >clone/rules/linux/eql.toml
{
	elastic_rule production e2 new_terms 'process.name: a'
	cat <<-'EOF'
		[[rule.threat]]
		framework = "MITRE ATT&CK"
		[[rule.threat.technique]]
		id = "T1053"
		name = "Scheduled Task/Job"
		[[rule.threat.technique.subtechnique]]
		id = "T1053.006"
		name = "Systemd Timers"
		[rule.threat.tactic]
		id = "TA0003"
		name = "Persistence"
		[rule.new_terms]
		field = "new_terms_fields"
		value = ["process.executable", "file.path"]
		[[rule.new_terms.history_window_start]]
		field = "history_window_start"
		value = "now-14d"
	EOF
} >clone/rules/linux/terms.toml
{
	elastic_rule production e3 threshold 'process.name: a'
	cat <<-'EOF'
		[rule.threshold]
		field = "process.name"
		value = 3
		[[rule.threshold.cardinality]]
		field = "file.path"
		value = 2
	EOF
} >clone/rules/cross-platform/threshold.toml
{
	cat <<-'EOF'
		[metadata]
		maturity = "production"

		[transform]
		[[transform.osquery]]
		label = "Osquery - who"
		query = "SELECT 1"

		[rule]
		building_block_type = "default"
		bypass_bbr_timing = true
		rule_id = "e7"
		name = "Shapes"
		type = "query"
		severity = "low"
		risk_score = 21
		note = """## Triage
		- `a` \"b\" \\d
		"""
		query = '''
		host.os.type:linux and data_stream.dataset:"auditd_manager.auditd" and
		event.action:("executed" or "exec") and process.args:(* a* or *"b") and
		process.name:(* and (
		  x or y* or \(z\)
		) and not "q r") and not process.args:(*/c.xml
		  */d/e or "${HOST}:1 || exit \"1\"")
		'''

		  [[rule.threat]]
		  framework = "MITRE ATT&CK"

		    [[rule.threat.technique]]
		    id = "T1105"
		    name = "Ingress Tool Transfer"

		    [rule.threat.tactic]
		    id = "TA0011"
		    name = "Command and Control"

		[rule.alert_suppression]
		group_by = ["host.id"]
		missing_fields_strategy = "suppress"

		[rule.alert_suppression.duration]
		unit = "h"
		value = 1

		[rule.investigation_fields]
		field_names = ["@timestamp", "host.name"]
	EOF
} | sed 's/\*"b"/*b/' >clone/rules/linux/shapes.toml
elastic_rule production e8 eql 'sequence with maxspan=1s
  [process where process.name : "a" and // a comment
     orchestrator.any.thing == null] by host.name
  [any where event.dataset == "system.auth" and not okta.x like "y*"] by
   `kubernetes.audit.user.extra.a.io/pod-name`' \
	>clone/rules/linux/names.toml
elastic_rule production e4 esql 'from logs-* | limit 1' \
	>clone/rules/linux/esql.toml
elastic_rule deprecated e5 eql 'any where true' >clone/rules/linux/old.toml
elastic_rule production e1 eql 'any where true' >clone/rules/linux/twice.toml
elastic_rule production e6 eql 'any where true' >clone/rules/windows/other.toml
mkdir -p clone/rules_building_block clone/rules/_deprecated
for os in Linux Windows; do
	elastic_rule production b-$os eql 'any where process.name == "a"' |
		sed "s/^severity/tags = [\"Rule Type: BBR\", \"OS: $os\"]\n&/" \
			>clone/rules_building_block/$os.toml
done
elastic_rule production b3 eql 'any where true' \
	>clone/rules_building_block/untagged.toml
elastic_rule production e1 eql 'any where true' |
	sed 's/^severity/tags = ["OS: Linux"]\n&/' \
		>clone/rules_building_block/moved.toml
elastic_rule production e9 eql 'any where true' >clone/rules/_deprecated/a.toml
echo 'rule = ' >clone/rules/linux/broken.toml
printf '[metadata]\nmaturity = "production"\n' >clone/rules/linux/none.toml
elastic_rule production e10 eql 'any where true' | # JSON has no such number
	sed 's/21$/nan/' >clone/rules/linux/number.toml

if ! python3 -c 'import tomllib' 2>/dev/null &&
	! python3 -c 'import tomli' 2>/dev/null; then
	echo 'SKIPPED - elastic: no Python with tomllib here' >&2
else
	"$root"/contrib/elastic-rules clone >elastic.ndjson 2>err
	is 'elastic: exit code' 0 $?
	is 'elastic: a rule a line' 7 "$(wc -l <elastic.ndjson)"
	has 'elastic: the broken one' 'broken.toml: skipped' "$(cat err)"
	has 'elastic: no number' 'number.toml: skipped: ' "$(cat err)"
	has 'elastic: the old one' 'old.toml: skipped: maturity is deprecated' \
		"$(cat err)"
	has 'elastic: the second of an id' 'twice.toml: skipped: has the rule_id of' \
		"$(cat err)"
	is 'elastic: building blocks' 1 "$(grep -c '"b-' elastic.ndjson)"
	has 'elastic: building blocks of others' \
		'rules_building_block/Windows.toml: skipped: is not for Linux' \
		"$(cat err)"
	has 'elastic: building blocks of nobody' 'untagged.toml: skipped: is not' \
		"$(cat err)"
	has 'elastic: a rule that was a building block' \
		'moved.toml: skipped: has the rule_id of' "$(cat err)"
	has 'elastic: no rule' 'none.toml: skipped: has no [rule]' "$(cat err)"
	has 'elastic: terms' '"new_terms_fields": ["process.executable", "file.path"]' \
		"$(cat elastic.ndjson)"
	has 'elastic: window' '"history_window_start": "now-14d"' \
		"$(cat elastic.ndjson)"
	has 'elastic: threshold' '"field": ["process.name"]' \
		"$(cat elastic.ndjson)"
	run 'elastic: tocsin reads it' 0 rules check elastic.ndjson
	is 'elastic: all but ES|QL' 'tocsin: 5 ok, 2 unsupported, 0 broken' "$err"
	has 'elastic: names' 'unsupported e4' "$out"
	has 'elastic: shapes' 'ok          e7' "$out"
	has 'elastic: a name below others' \
		'unsupported e8: needs kubernetes.*, which' "$out"
	run 'elastic: a name as it is written' 0 rules show -r elastic.ndjson e2
	has 'elastic: a name as it is written' 'Ünusual "e2"' "$out"
	is 'elastic: --all' 11 \
		"$("$root"/contrib/elastic-rules --all clone 2>/dev/null | wc -l)"
	mkdir -p endpoint/behavior/rules/linux
	for os in linux windows; do
		cat >endpoint/behavior/rules/linux/$os.toml <<-EOF
			[rule]
			description = "What came of it"
			id = "x-$os"
			license = "GPL-2.0-or-later"
			name = "Descendant"
			os_list = ["$os"]
			version = "1.0.3"

			query = '''
			network where process.executable != null and
			descendant of [process where process.args : "*-*d*"]
			'''

			min_endpoint_version = "7.15.0"
			optional_actions = []
			[[actions]]
			action = "kill_process"
			field = "process.entity_id"
			state = 0

			[[threat]]
			framework = "MITRE ATT&CK"
			[[threat.technique]]
			id = "T1059"
			name = "Command and Scripting Interpreter"
			[threat.tactic]
			id = "TA0002"
			name = "Execution"

			[internal]
			min_endpoint_version = "7.15.0"
		EOF
	done
	"$root"/contrib/elastic-rules endpoint >endpoint.ndjson 2>err
	is 'elastic: endpoint: exit code' 0 $?
	has 'elastic: endpoint: another platform' 'is not for Linux' "$(cat err)"
	has 'elastic: endpoint: how many' \
		'behavior/rules/linux: 1 rules, 1 of them in EQL or KQL' "$(cat err)"
	run 'elastic: endpoint: tocsin reads it' 0 rules check endpoint.ndjson
	is 'elastic: endpoint' 'ok          x-linux' "$out"
	is 'elastic: endpoint: threat' T1059 \
		"$(jq -r '.threat[0].technique[0].id' endpoint.ndjson)"
	# What no event has can be calculated with all the same.
	cat >endpoint/behavior/rules/linux/linux.toml <<-'EOF'
		[rule]
		id = "x-steps"
		name = "Steps"
		os_list = ["linux"]
		query = '''
		sequence by process.entity_id with maxspan=1s
		  [process where event.action == "ptrace" and process.Ext.ptrace.addr > 9] as first
		  [process where (process.Ext.ptrace.addr - first.process.Ext.ptrace.addr) in (2, 3)]
		'''
	EOF
	"$root"/contrib/elastic-rules endpoint >endpoint.ndjson 2>err
	run 'elastic: endpoint: what is not observed' 0 rules check endpoint.ndjson
	is 'elastic: endpoint: what is not observed' \
		'unsupported x-steps: needs event.action to be "ptrace": what processes do to each other is not observed' "$out"
	"$root"/contrib/elastic-rules . >/dev/null 2>err
	is 'elastic: no clone: exit code' 1 $?
	has 'elastic: no clone' 'is this a clone' "$(cat err)"
fi
