# SPDX-License-Identifier: GPL-2.0-or-later
# The words of rules that were written for auditd: users that a program really
# has and those it acts as; what is done to files.
. /tocsin/tests/live/lib.sh
rule=became rule_short=who
own_rule became 'process where event.action == "executed" and user.effective.id == "0" and user.id != "0"'
own_rule helped 'sequence by host.id with maxspan=30s
    [process where event.action == "executed" and user.effective.id != "0" and user.id == "1000"] by process.pid
    [process where event.action == "executed" and user.effective.id == "0" and user.id == "1000"] by process.parent.pid'
own_rule done 'file where event.action in ("wrote-to-file", "renamed") and event.outcome == "success" and file.path like "/srv/words/*"'
mkdir -p /srv/words
echo 1 >/srv/words/old
rules="-r $live/became.yml -r $live/helped.yml -r $live/done.yml"
watch_start $rules --record $trace

for name in helper plain first; do
	actor $bin/$name
done
chmod 4755 $bin/helper

alert helper bash root 'an ordinary user becomes a setuid program' 'acts /tmp/implant "uid 1000" "exec $bin/helper helper $T"'
alert helper first root 'and starts one' 'ACT_1=$(words spawn $bin/helper helper $T) acts /tmp/implant "uid 1000" "exec $bin/first first"'
quiet 'an ordinary program' 'acts /tmp/implant "uid 1000" "exec $bin/plain plain $T"'
quiet 'root starts the setuid program' 'by $bin/helper $T'
quiet 'root starts an ordinary program' 'by $bin/plain $T'

echo 2 >>/srv/words/old
mv /srv/words/old /srv/words/new

check_table
is 'words: what is done to files' wait_until 2 have_alerts done 2
is 'words: and which' same 'modification rename' \
	"$(jq -r 'select(.rule.id == "done") | .event.action' $alerts | sort | xargs)"
is 'words: a sequence of a user and what he became' \
	wait_until 2 have_alerts helped 1
check_replay $rules
