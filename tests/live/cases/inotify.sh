# SPDX-License-Identifier: GPL-2.0-or-later
# Files without fanotify: what inotify and looking tell of names, in the traps
# that libinotifytools sets and past the kernel's limits. A rule of our own
# alerts on every act.
. /tocsin/tests/live/lib.sh
place=/srv/watched
own_rule acts 'file where file.path like "/srv/watched/*"'

# acts_of NAME…: what was told of names that contain it, in order.
acts_of() {
	jq -r --arg name "$1" 'select(.file.path // "" | contains($name)) |
		"\(.event.action) \(.file.Ext.original.path // "-") \(.file.path)"' \
		$trace | sed "s|$place/||g"
}
told_of() { # N PATTERN: are so many files told to be created?
	[ "$(created "$2")" -ge "$1" ]
}
created() {
	jq -r --arg p "$1" 'select((.event.action == "creation" or
		.event.action == "rename") and (.file.path | test($p))) |
		.file.path' $trace | sort | uniq | wc -l
}
twice() {
	jq -r --arg p "$1" 'select(.event.action == "creation" and
		.file.type != "dir" and (.file.path | test($p))) |
		.file.path' $trace | sort | uniq -d | wc -l
}
begin() { # SENSOR [PREFIX…]
	rm -rf $place $live/state $trace
	mkdir -p $place
	if [ $# -eq 1 ]; then
		watch_start -r $live/acts.yml --record $trace --sensor "$1"
	else
		tocsin_under "$@"
	fi
	sleep 0.4
}

for sensor in inotify poll; do
	begin $sensor
	is "$sensor: is in use" grep -q "and $sensor," $notes
	pause() { sleep 0.6; }

	echo one >$place/a.file
	pause
	echo two >>$place/a.file
	pause
	chmod 600 $place/a.file
	pause
	mv $place/a.file $place/b.file
	pause
	rm $place/b.file
	pause
	is "$sensor: the life of a file" same "$(acts_of .file | uniq)" \
"creation - a.file
modification - a.file
attributes_modified - a.file
rename a.file b.file
deletion - b.file"

	mkdir $place/dir
	pause
	mv $place/dir $place/moved
	pause
	echo x >$place/moved/in-moved
	pause
	is "$sensor: below a moved folder, under its new name" same \
		"$(acts_of in-moved | grep creation)" 'creation - moved/in-moved'
	mkdir $live/away
	mv $place/moved $live/away/
	pause
	echo y >$live/away/moved/outside
	pause
	is "$sensor: nothing from a folder that was moved away" same \
		"$(acts_of outside)" ''
	mv $live/away/moved $place/back
	pause
	is "$sensor: what came with a folder is told" same \
		"$(acts_of back/outside | cut -d' ' -f1 | sort -u |
			grep -c 'creation\|rename')" 1
	rm -rf $live/away
	is "$sensor: nobody is named" same "$(jq -r 'select(.event.category ==
		["file"] or .event.category == "file") |
		"\(.process.pid) \(.tocsin.attribution)"' $trace | sort -u)" \
		'null unavailable'

	# Folders that are deep and full before anybody can watch them.
	for i in {1..200}; do
		mkdir -p $place/deep$i/b/c/d
		for f in $place/deep$i{,/b,/b/c,/b/c/d}; do
			: >$f/x
		done
	done
	wait_until 10 told_of 800 '/x$'
	is "$sensor: all of 800 files in 800 new folders" same \
		"$(created '/x$')" 800
	is "$sensor: none of them twice" same "$(twice '/x$')" 0
	watch_stop
done

# More than the queue holds, while nobody reads.
begin inotify
queue=$(cat /proc/sys/fs/inotify/max_queued_events)
actor $bin/many
T=many
kill -STOP $watcher
acts $bin/many "files $queue $place/many."
kill -CONT $watcher
wait_until 30 told_of $queue '/many\.'
is 'inotify: the loss is told' grep -q '^tocsin: lost: .*queue was full' $notes
is "inotify: what was lost is found by looking: $queue files" same \
	"$(created '/many\.')" "$queue"
is 'inotify: none of them twice' same "$(twice '/many\.')" 0
is 'inotify: marked as lost' same \
	"$(jq -r 'select(.tocsin.attribution == "lost") | .event.action' \
		$trace | sort -u)" creation
watch_stop

# What the library remembers of folders that are gone is given up at times.
begin inotify
mkdir $place/{1..17000}
wait_until 30 told_of 17000 '/[0-9]+$'
opened() { ls /proc/$watcher/fd | wc -l; }
no_more_opened() { [ "$(opened)" -le "$1" ]; }
# Not what is open for a moment only.
before=$(for i in {1..20}; do opened; sleep 0.05; done | sort -n | head -n 1)
mkdir $place/stays
sleep 0.3
rmdir $place/{1..17000}
sleep 2
touch $place/stays/after $place/after
wait_until 5 told_of 2 '/after$'
is 'inotify: after 17,000 folders came and went, it still tells' same \
	"$(created '/after$')" 2
is 'inotify: and has opened nothing for good' \
	wait_until 2 no_more_opened "$before"
is 'inotify: and counts its watches anew' same "$(sed -n \
	's/^inotify wd:\([0-9a-f]*\) .*/\1/p' /proc/$watcher/fdinfo/* |
	grep -c '.....')" 0
is 'inotify: nothing twice' same "$(twice .)" 0
watch_stop

# Fewer watches than folders: a user namespace has limits of its own, so the
# host's stay as they are.
tocsin_under() { # SENSOR LIMIT
	: >$notes
	unshare --user --map-root-user /bin/bash -c '
		echo "$1" >/proc/sys/user/max_inotify_watches && shift &&
		exec "$@"' - "$2" "$tocsin" watch --format ndjson \
		-s $live/state -o $alerts -r $live/acts.yml --record $trace \
		--sensor "$1" --sensor poll 2>$notes >$live/watch.out &
	watcher=$!
	wait_until 15 is_ready
}
if unshare --user --map-root-user test -w /proc/sys/user/max_inotify_watches
then
	begin inotify 12
	is 'limit: the watcher starts' is_ready
	for i in {1..40}; do mkdir $place/dir$i; done
	sleep 0.6
	for i in {1..40}; do : >$place/dir$i/past; done
	wait_until 5 told_of 40 '/past$'
	is 'limit: files in folders past the limit are told' same \
		"$(created '/past$')" 40
	is 'limit: none of them twice' same "$(twice '/past$')" 0
	kill -HUP $watcher # says again what is watched
	wait_until 5 grep -q 'rules reloaded' $notes
	sleep 0.2
	is 'limit: it is said' grep -q '^tocsin: looked at from time to time: .*max_user_watches' $notes
	watch_stop
else
	skip 'limit: no user namespaces here'
fi
true
