# SPDX-License-Identifier: GPL-2.0-or-later
# Tocsin changed from outside, installed as a package would: each part of it,
# and what it does itself.
. /tocsin/tests/live/lib.sh
rule=$(rule_id tocsin_changed) rule_short=self
mkdir -p /usr/local/sbin /usr/local/share/tocsin/rules /etc/tocsin/rules.d \
	/etc/tocsin/exceptions.d $live/keys
cp "$tocsin" /usr/local/sbin/tocsin
cp -r /tocsin/rules/linux /usr/local/share/tocsin/rules/
tocsin=/usr/local/sbin/tocsin
"$tocsin" key generate --unencrypted $live/keys/k.key $live/keys/k.pub >/dev/null
cat >/etc/tocsin/tocsin.yaml <<-EOF
	public_keys: [$live/keys/k.pub]
	heartbeat: 1s
EOF
touch /etc/tocsin/exceptions.d/old.yml
watch_start --record $trace
state=$live/state units=/etc/systemd/system

alert touch bash root 'a rule of ones own' 'by touch /etc/tocsin/rules.d/$T.yml'
alert touch bash root 'a shipped rule' 'by touch /usr/local/share/tocsin/rules/linux/$T.yml'
alert touch bash root 'an exception' 'by touch /etc/tocsin/exceptions.d/$T.yml'
alert cp bash root 'the configuration' 'cp /etc/tocsin/tocsin.yaml $live/$T; by cp $live/$T /etc/tocsin/tocsin.yaml'
alert chmod bash root 'its mode' 'by chmod 666 /etc/tocsin/tocsin.yaml'
alert mv bash root 'it is taken away' 'by mv /etc/tocsin/tocsin.yaml $live/$T'
alert cp bash root 'a key' 'cp $live/keys/k.pub $live/$T; by cp $live/$T $live/keys/k.pub'
alert touch bash root 'the unit' 'by touch $units/tocsin.service'
alert ln bash root 'it is masked' 'by ln -sf /dev/null $units/tocsin-scan.timer'
alert mkdir bash root 'a folder for drop-ins' 'by mkdir $units/tocsin.service.d'
alert_new touch bash root 'a drop-in' 'by touch $units/tocsin.service.d/$T.conf'
alert touch bash root 'the state folder' 'by touch $state/$T'
alert truncate bash root 'the journal' 'by truncate -s -1 $state/log/journal.ndjson'
alert rm bash root 'an exception is taken away' 'by rm /etc/tocsin/exceptions.d/old.yml'
alert other bash root 'another program in the state' 'as $live/other create $state/$T'
alert tocsin bash root 'its own with a library' 'LD_PRELOAD=/lib/$T.so by $tocsin rules list -o $state/$T'

quiet 'a folder beside' 'mkdir -p /etc/tocsin.old; by touch /etc/tocsin.old/$T'
quiet 'a unit beside' 'by touch $units/$T.service'
quiet 'another state' 'by $tocsin rules list -o $live/$T'
quiet 'its own in the state' 'by $tocsin rules list -o $state/$T'
alert mv bash root 'the program' 'cp $tocsin /usr/local/$T; by mv /usr/local/$T /usr/local/sbin/tocsin'

check_table

# Its database is its own: who reads it, as root, sets its owner, and to look at
# that must not cost the watcher its lock. Without it the next reader takes the
# shared memory away.
locked() {
	grep -q ":$(stat -c %i $state/state.db-shm) " /proc/locks
}
is 'self: its database is locked' locked
chown 0:0 $state/state.db $state/state.db-shm $state/state.db-wal
wait_until 5 grep -q $state/state.db-wal $alerts
sqlite3 -readonly $state/state.db 'SELECT count(*) FROM alerts' >/dev/null
is 'self: and stays so when others have read it' locked
# The same file under the name of something that is looked at.
ln $state/state.db-shm $units/linked.timer
ln $state/state.db-wal $units/linked.service
touch $units/last.timer
wait_until 5 grep -q $units/last.timer $alerts
# A link is never closed: it is waited for, and may be told after the last.
is 'self: another name of it is told' \
	wait_until 5 grep -q $units/linked.timer $alerts
wait_until 5 grep -q $units/linked.service $trace
is 'self: and costs no lock, either' locked

check_replay
