# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin scan: files that are there. (Processes: tests/live/cases/scan.sh.)

mkdir -p present/sub present/empty 'present/sp ace'
cp /bin/true present/setuid
chmod 4755 present/setuid
cp /bin/true present/plain
printf 'hello\n' >present/sub/text
mkfifo present/fifo
ln -s /nowhere present/link
printf 'x' >$'present/\e[31mred\nline'
printf 'x' >$'present/bad\xffname'
cat >present-rules.yml <<'END'
- rule_id: mode
  name: Setuid
  type: eql
  query: file where event.action == "snapshot" and file.mode like "4???"
  severity: high
  risk_score: 73
- rule_id: creation
  name: Text
  type: eql
  query: file where event.action == "creation" and event.type == "creation" and file.name == "text"
  severity: low
  risk_score: 21
- rule_id: digest
  name: Digest
  type: eql
  query: file where file.hash.sha256 == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
  severity: medium
  risk_score: 47
- rule_id: other-actions
  name: Never
  type: eql
  query: file where event.action in ("modification", "rename", "deletion", "attributes_modified") or event.type in ("change", "deletion")
  severity: low
  risk_score: 21
- rule_id: kinds
  name: Kinds
  type: eql
  query: file where event.action == "snapshot" and file.type in ("fifo", "symlink")
  severity: low
  risk_score: 21
- rule_id: names
  name: Names
  type: eql
  query: file where event.action == "snapshot" and file.size == 1
  severity: low
  risk_score: 21
- rule_id: first-time
  name: First
  type: new_terms
  query: 'event.category: file'
  new_terms_fields: [file.path]
  history_window_start: now-14d
  severity: low
  risk_score: 21
END
# A file of several rules as a folder of files of one.
split_rules() {
	mkdir "$1"
	awk -v dir="$1" '/^- /{ file = dir "/" ++n ".yml" }
		{ print substr($0, 3) > file }' "$1.yml"
}
split_rules present-rules
present() {
	tocsin scan --only files --format ndjson -r present-rules "$@"
}

run 'scan' 1 scan --only files --format ndjson -r present-rules present
is 'scan: each rule found its files' "creation text
digest text
kinds fifo
kinds link
mode setuid" "$(printf '%s\n' "$out" | jq -r 'select(.rule.id != "names") |
	.rule.id + " " + .file.name' | sort)"
is 'scan: summary' "tocsin: $(find present -printf x | wc -c) files: 7 findings, 0 not covered" \
	"$(printf %s "$err" | sed 's/, [0-9]* processes//')"
is 'scan: one line each' 7 "$(printf '%s\n' "$out" | jq -c . | wc -l)"
is 'scan: facts' "$(stat -c '%s %a %u %i' present/setuid) $(sha256sum <present/setuid | cut -d' ' -f1)" \
	"$(printf '%s\n' "$out" | jq -r 'select(.rule.id == "mode") |
	"\(.file.size) \(.file.mode) \(.file.uid) \(.file.inode) \(.file.hash.sha256)"')"
is 'scan: the event' 'snapshot info creation scan alert' \
	"$(printf '%s\n' "$out" | jq -r 'select(.rule.id == "mode") |
	"\(.event.action) \(.event.type | join(" ")) \(.tocsin.attribution) \(.event.kind)"')"
is 'scan: nothing empty' '' "$(printf '%s\n' "$out" | jq -r 'paths(. == "" or . == {}) | join(".")')"
is 'scan: no UTF-8' "$(printf '%s/present/bad\xffname' "$work" | od -An -tx1 | tr -d ' \n')" \
	"$(printf '%s\n' "$out" | jq -r 'select(.tocsin.file.path_hex) | .tocsin.file.path_hex')"
ids=$(printf '%s\n' "$out" | jq -r '.tocsin.alert.id' | sort)
is 'scan: ids last' "$ids" "$(present present 2>/dev/null | jq -r .tocsin.alert.id | sort)"
is 'scan: ids differ' 7 "$(printf '%s\n' "$ids" | uniq | wc -l)"

run 'scan: nothing found' 0 scan --only files -r present-rules present/empty
is 'scan: nothing found' '' "$out"
run 'scan: for cron' 0 scan --only files --exit-zero --format ndjson -r present-rules present
run 'scan: one file' 1 scan --only files --format ndjson -r present-rules present/setuid
is 'scan: one file' mode "$(printf '%s\n' "$out" | jq -r .rule.id)"
ln -s present through
run 'scan: a link on the command line' 1 scan --only files --format ndjson -r present-rules through
is 'scan: a link on the command line' 7 "$(printf '%s\n' "$out" | wc -l)"
run 'scan: text' 1 scan --only files --format text -r present-rules present
is 'scan: text: gravest first' 'HIGH 73  Setuid  [mode]  1 finding' \
	"$(printf '%s\n' "$out" | sed -n 1p)"
has 'scan: text: no escape sequence' '\x1b[31mred' "$out"
is 'scan: text: nothing else' 0 "$(printf %s "$out" | LC_ALL=C tr -d '\n -~\302-\364\200-\277' | wc -c)"
run 'scan: text: the same with a file' 1 scan --only files --format text -r present-rules -o found.txt present
is 'scan: -o' "$(tocsin scan --only files --format text -q -r present-rules present)" "$(cat found.txt)"

run 'scan: what packages brought' 0 scan --only files -v -q --format ndjson -r present-rules /bin/true
cat >bin-rules.yml <<'END'
- rule_id: came
  name: Came
  type: eql
  query: file where event.action == "creation" and file.name == "true"
  severity: low
  risk_score: 21
- rule_id: is-there
  name: Is there
  type: eql
  query: file where event.action == "snapshot" and file.name == "true" and tocsin.package.digest_matches == true
  severity: low
  risk_score: 21
- rule_id: other-name
  name: Other name
  type: eql
  query: file where event.action == "snapshot" and file.path == "/bin/true"
  severity: low
  risk_score: 21
END
split_rules bin-rules
if dpkg -S /bin/true >dpkg.out 2>&1 || dpkg -S /usr/bin/true >dpkg.out 2>&1; then
	run 'scan: a package explains' 1 scan --only files --format ndjson -r bin-rules /usr/bin/true
	is 'scan: only rules for the moment are explained' 'is-there coreutils
other-name coreutils' "$(printf '%s\n' "$out" | jq -r '.rule.id + " " + .tocsin.package.name' | sort)"
	has 'scan: explained is counted' '1 more explained by packages (-v names them)' "$err"
	run 'scan: -v' 1 scan --only files -v --format ndjson -r bin-rules /usr/bin/true
	has 'scan: -v' '/usr/bin/true is as package coreutils brought it  [came]' "$err"
	cp /bin/true copied-true; mv copied-true present/true
	run 'scan: a copy is not explained' 1 scan --only files --format ndjson -r bin-rules present/true
	is 'scan: a copy is not explained' came "$(printf '%s\n' "$out" | jq -r .rule.id)"
	rm present/true
fi

# What runs there: by its program, its script, its folder; nobody else.
cp /bin/sleep present/sub/sleeper
printf '#!/bin/sh\nread x\n' >present/sub/script
mkfifo running
cat >running-rule.yml <<'END'
rule_id: runs
name: Runs
type: eql
query: 'process where event.action == "already_running" and process.args : ("300", "301", "302", "*/script")'
severity: low
risk_score: 21
END
exec 9<>running
present/sub/sleeper 300 & pids=$!
sh -u present/sub/script <&9 & pids+=" $!"
(cd present/sub && exec sleep 301) & pids+=" $!"
sleep 302 & outside=$!
# runs PID WORD: by now it is the program with that argument.
runs() { grep -qzxF -- "$2" "/proc/$1/cmdline"; }
wait_until runs "${pids%% *}" 300
wait_until runs "$(echo $pids | cut -d' ' -f2)" present/sub/script
wait_until runs "${pids##* }" 301
wait_until runs "$outside" 302
run 'scan: processes of a path' 1 scan --only processes --format ndjson -r running-rule.yml present/sub
is 'scan: processes of a path' "$(printf '%s\n' $pids | sort -n)" \
	"$(printf '%s\n' "$out" | jq .process.pid | sort -n)"
has 'scan: processes of a path: counted' '0 files, 3 processes: 3 findings' "$err"
run 'scan: processes of no path' 1 scan --only processes --format ndjson -r running-rule.yml
is 'scan: processes of no path' 4 "$(printf '%s\n' "$out" | jq .process.pid |
	grep -cxF "$(printf '%s\n' $pids $outside)")"
kill $pids $outside
wait $pids $outside 2>/dev/null
exec 9>&-
rm present/sub/sleeper present/sub/script

run 'scan: a report' 1 scan --only files -s scan-state --format json -r present-rules present
is 'scan: bytes are those that a rule had read' \
	"$(find present -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')" \
	"$(printf '%s\n' "$out" | jq .coverage.bytes)"
is 'scan: a report' 'scan 7 7' "$(printf '%s\n' "$out" | jq -r '"\(.made_by) \(.findings | length) \(.summary.findings)"')"
if [ "$(id -u)" != 0 ]; then
	chmod 0 present/sub present/plain
	run 'scan: not covered' 1 scan --only files --format ndjson -r present-rules present
	has 'scan: not covered: a folder' 'not covered:' "$err"
	has 'scan: not covered: why' 'present/sub' "$err"
	has 'scan: not covered: counted' '2 not covered' "$err"
	chmod 755 present/sub present/plain
fi

cat >running.yml <<'END'
rule_id: running
name: Running
type: eql
query: process where event.type == "start" and event.action == "exec" and process.args == "31457.25" and process.name == "sleep"
severity: low
risk_score: 21
END
sleep 31457.25 &
sleeper=$!
wait_until runs $sleeper 31457.25
run 'scan: a process' 1 scan --only processes --format ndjson -r running.yml
is 'scan: a process' "already_running info start scan $sleeper $$ $(id -u) $PWD" \
	"$(printf '%s\n' "$out" | jq -r '"\(.event.action) \(.event.type | join(" ")
	) \(.tocsin.attribution) \(.process.pid) \(.process.parent.pid
	) \(.process.user.id) \(.process.working_directory)"')"
ids=$(printf '%s\n' "$out" | jq -r .tocsin.alert.id)
run 'scan: a process and files' 1 scan --format ndjson -r running.yml present .
is 'scan: a process and files: the same id' "$ids" \
	"$(printf '%s\n' "$out" | jq -r .tocsin.alert.id)"
run 'scan: no processes' 0 scan --only files --format ndjson -r running.yml present
{ kill $sleeper; wait $sleeper; } 2>/dev/null
run 'scan: a process that has gone' 0 scan --only processes -r running.yml

# What only a scan looks for is not watched.
mkdir waiting
cat >waiting/a.yml <<'END'
rule_id: present-only
name: A
type: eql
query: 'file where event.action == "snapshot" and file.path : "/srv/there/*"'
severity: low
risk_score: 21
END
cat >waiting/b.yml <<'END'
rule_id: both
name: B
type: eql
query: 'file where event.action in ("creation", "snapshot") and file.path : "/srv/both/*"'
severity: low
risk_score: 21
END
run 'scan: not watched' 0 rules watchset waiting
is 'scan: not watched' '/srv/both/*' "$(printf '%s\n' "$out" | grep -o '/srv/[^[:space:]]*')"

run 'scan: no such path' 18 scan --only files -r present-rules none
has 'scan: no such path' 'none: cannot be scanned: No such file' "$err"
run 'scan: HTML' 16 scan --only files --format html present
run 'scan: threads' 16 scan --threads many present
run 'scan: a key for lines' 16 scan --key x present
run 'scan: broken rule' 17 scan --only files -r rule3.yml present
