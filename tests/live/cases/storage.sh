# SPDX-License-Identifier: GPL-2.0-or-later
# Where alerts are kept: the disk is full and then is not; nobody reads standard
# output and then somebody does. Nothing waits for either, nothing is lost.
. /tocsin/tests/live/lib.sh
T=storage
unset NOTIFY_SOCKET
own_rule kept 'file where event.action == "creation" and file.path like "/srv/kept/*"'
mkdir -p /srv/kept
printed() { jq -r .tocsin.alert.id "$1"; }
sound() { db 'PRAGMA integrity_check'; }
make() { for i in $(seq "$1" "$2"); do : >/srv/kept/$i; done; }
stored() { [ "$(ids | wc -l)" -ge "$1" ]; }
# Files whose last state is not in the database, by the figures.
figures=$live/figures.prom
figure() { awk -v n="tocsin_$1" '$1 == n { print $2 }' $figures; }
waits() { [ "$(figure files_waiting)" -ge "$1" ] 2>/dev/null; }
remembered() {
	db "SELECT count(*) FROM files JOIN dirs ON dir = id
		WHERE path = '/srv/kept'"
}
remembers() { [ "$(remembered)" -ge "$1" ]; }
# Alerts go to a pipe.
watch_pipe() {
	rm -f $notes
	: >$notes
	"$tocsin" watch --format ndjson -s $live/state -r $live/kept.yml \
		2>$notes >$live/pipe &
	watcher=$!
	wait_until 15 is_ready
}

# ---- a full disk ----------------------------------------------------------

mkdir -m 700 $live/state
mount -n -t tmpfs -o size=64m,mode=700 live $live/state
watch_list -r $live/kept.yml --metrics $figures
make 1 5
wait_until 5 stored 5
is 'storage: alerts are stored' same "$(ids | wc -l)" 5
head -c 80m /dev/zero >$live/state/junk 2>/dev/null
make 6 500
wait_until 20 have_alerts kept 500
is 'storage: disk full: alerts are still told' \
	same "$(jq -r .file.path $alerts | sort -u | wc -l)" 500
wait_until 5 grep -q 'cannot be stored' $notes
is 'storage: disk full: said once' \
	same "$(grep -c 'cannot be stored: .*full' $notes)" 1
is 'storage: disk full: some are not stored' test "$(ids | wc -l)" -lt 500
before=$(ids | wc -l)
# What the files are like is told a second later, and there is no room either.
wait_until 20 waits 400
is 'storage: disk full: what files are like waits' waits 400
rm $live/state/junk
wait_until 10 stored 500
is 'storage: room again: all are stored' same "$(ids | wc -l)" 500
is 'storage: in their order' same "$(ids)" "$(printed $alerts)"
is 'storage: nothing stored before is gone' test "$before" -ge 5
is 'storage: the database is sound' same "$(sound)" ok
wait_until 5 grep -q 'stored again' $notes
is 'storage: the end is said' same "$(grep -c 'stored again' $notes)" 1
wait_until 10 remembers 500
is 'storage: what files are like is stored' same "$(remembered)" 500
watch_stop
is 'storage: and nothing waits' same "$(figure files_waiting)" 0
is 'storage: nor is anything said of it' same "$(grep -c remembered: $notes)" 0

# It starts with a full disk, too.
head -c 80m /dev/zero >$live/state/junk 2>/dev/null
watch_start -r $live/kept.yml
make 501 600
wait_until 20 have_alerts kept 100
is 'storage: started on a full disk: alerts are told' have_alerts kept 100
rm $live/state/junk
wait_until 10 stored 600
# What it has compared on a full disk it compares again ten seconds later.
wait_until 20 has_noted 'gap closed: '
watch_stop
is 'storage: and stored when there is room' same "$(ids | wc -l)" 600
is 'storage: none that was told before the stop' \
	same "$(jq -r .tocsin.attribution $alerts | sort | uniq -c | tr -s ' ')" \
	' 100 kernel'

# ---- nobody reads ---------------------------------------------------------

mkfifo $live/pipe
exec 8<>$live/pipe
watch_pipe
make 601 1000
wait_until 20 stored 1000
is 'storage: nobody reads: all is stored' same "$(ids | wc -l)" 1000
timeout 200 head -n 400 <$live/pipe >$live/read
is 'storage: then somebody does: every line is whole, in order' \
	same "$(printed $live/read)" "$(ids | tail -n 400)"
make 1001 1002
timeout 100 head -n 2 <$live/pipe >$live/read
is 'storage: and what comes after' same "$(jq -r .file.path $live/read)" \
	$'/srv/kept/1001\n/srv/kept/1002'
# The reader leaves: said once, the watcher stays.
watch_stop
exec 8>&-
rm $live/pipe
mkfifo $live/pipe
timeout 200 head -n 1 <$live/pipe >/dev/null &
reader=$!
watch_pipe
make 1003 1003
wait_until 5 stored 1003
wait $reader
make 1004 1010
wait_until 10 stored 1010
is 'storage: the reader left: all is stored' same "$(ids | wc -l)" 1010
wait_until 5 grep -q 'standard output' $notes
is 'storage: the reader left: said once' \
	same "$(grep -c 'standard output' $notes)" 1
is 'storage: the reader left: the watcher stays' kill -0 $watcher
watch_stop
is 'storage: and stops as ever' same $watch_code 25

# ---- stopped on a full disk -----------------------------------------------
# What never found room is told by the next, as found then; it says so.

# What the database has room for within itself goes first.
watch_list -r $live/kept.yml --metrics $figures
head -c 80m /dev/zero >$live/state/junk 2>/dev/null
made=2000
make_more() {
	make $((made + 1)) $((made + 500))
	made=$((made + 500))
	wait_until 20 have_alerts kept $((made - 2000))
}
until has_noted 'cannot be stored' || [ $made -ge 30000 ]; do
	make_more
done
make_more
is 'storage: a full disk again: alerts are told' have_alerts kept $((made - 2000))
watch_stop
is 'storage: stopped on it: what is not remembered is said' \
	grep -q '^tocsin: changes of [0-9]* files were never remembered: .*full' \
	$notes
is 'storage: and is in the figures' waits 100
rm $live/state/junk
watch_list -r $live/kept.yml
watch_stop
is 'storage: the next tells those again, as found then' test \
	"$(jq -r .tocsin.attribution $alerts | grep -c offline)" \
	-ge "$(figure files_waiting)"
watch_list -r $live/kept.yml
watch_stop
is 'storage: once' test ! -s $alerts
