# SPDX-License-Identifier: GPL-2.0-or-later
# Files without fanotify: what inotify and looking tell of names, in the traps
# that libinotifytools sets and past the kernel's limits. A rule of our own
# alerts on every act.
. /tocsin/tests/live/lib.sh
place=/srv/watched
own_rule acts 'file where file.path like "/srv/watched/*"'

# acts_of NAME…: what was told of names that contain it, in order.
acts_of() {
	grep -F -- "$1" $trace | jq -Rr --arg name "$1" 'fromjson? |
		select(.file.path // "" | contains($name)) |
		"\(.event.action) \(.file.Ext.original.path // "-") \(.file.path)"' |
		sed "s|$place/||g"
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
	wait_until 10 has_noted 'first start: '
}
# acted LINE: it is among acts_of. The sensor that only looks must have looked
# before the next act, or the two are one.
acted() { acts_of "${1##* }" | grep -qxF -- "$1"; }
until_acted() { wait_until 5 acted "$1"; }
has_size() { # NAME SIZE: it is told to be changed, and as large
	traced "/$1" 'any(.[]; .event.action == "modification" and
		.file.name == $name and .file.size == $size)' \
		--arg name "$1" --argjson size "$2"
}
# What was done until now is told, or never will be: a look that began before one
# mark has ended when there is the next.
settle_files() {
	for _ in 1 2; do
		marks=$((marks + 1))
		: >$place/mark.$marks
		until_acted "creation - mark.$marks" ||
			not_ok "what was done last is not told"
	done
}

for sensor in inotify poll; do
	begin $sensor
	is "$sensor: is in use" grep -q "and $sensor," $notes

	echo one >$place/a.file
	until_acted 'creation - a.file'
	echo two >>$place/a.file
	wait_until 5 has_size a.file 8
	chmod 600 $place/a.file
	until_acted 'attributes_modified - a.file'
	mv $place/a.file $place/b.file
	until_acted 'rename a.file b.file'
	rm $place/b.file
	until_acted 'deletion - b.file'
	is "$sensor: the life of a file" same "$(acts_of .file | uniq)" \
"creation - a.file
modification - a.file
attributes_modified - a.file
rename a.file b.file
deletion - b.file"

	mkdir $place/dir
	until_acted 'creation - dir'
	mv $place/dir $place/moved
	until_acted 'rename dir moved'
	echo x >$place/moved/in-moved
	until_acted 'creation - moved/in-moved'
	is "$sensor: below a moved folder, under its new name" same \
		"$(acts_of in-moved | grep creation)" 'creation - moved/in-moved'
	mkdir $live/away
	mv $place/moved $live/away/
	until_acted 'deletion - moved'
	echo y >$live/away/moved/outside
	settle_files
	is "$sensor: nothing from a folder that was moved away" same \
		"$(acts_of outside)" ''
	mv $live/away/moved $place/back
	settle_files
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
	settle_files
	is "$sensor: none of them twice" same "$(twice '/x$')" 0
	watch_stop
done

# More than the queue holds, while nobody reads.
begin inotify
queue=$(cat /proc/sys/fs/inotify/max_queued_events)
actor $bin/many
T=many
hold $watcher
acts $bin/many "files $queue $place/many."
kill -CONT $watcher
wait_until 30 told_of $queue '/many\.'
is 'inotify: the loss is told' grep -q '^tocsin: lost: .*queue was full' $notes
is "inotify: what was lost is found by looking: $queue files" same \
	"$(created '/many\.')" "$queue"
settle_files
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
until_acted 'creation - stays'
# Not so many at once that the kernel's queue is full: the end of each is seen.
removed() { [ "$(grep -c '"action":"deletion"' $trace)" -ge "$1" ]; }
for i in {1000..17000..1000}; do
	seq -f "$place/%.0f" $((i - 999)) $i | xargs rmdir
	wait_until 5 removed $i
done
# As many watches as folders are left, and the lowest numbers.
counts_anew() {
	! cat /proc/$watcher/fdinfo/* 2>/dev/null |
		grep -q '^inotify wd:[0-9a-f]\{4\}'
}
is 'inotify: after 17,000 folders were removed it counts its watches anew' \
	wait_until 10 counts_anew
touch $place/stays/after $place/after
wait_until 5 told_of 2 '/after$'
is 'inotify: after 17,000 folders came and went, it still tells' same \
	"$(created '/after$')" 2
is 'inotify: and has opened nothing for good' \
	wait_until 2 no_more_opened "$before"
settle_files
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
	is 'limit: the watcher starts' has_noted '^tocsin: ready:'
	for i in {1..40}; do mkdir $place/dir$i; done
	wait_until 5 told_of 40 '/dir[0-9]+$'
	for i in {1..40}; do : >$place/dir$i/past; done
	wait_until 5 told_of 40 '/past$'
	is 'limit: files in folders past the limit are told' same \
		"$(created '/past$')" 40
	settle_files
	is 'limit: none of them twice' same "$(twice '/past$')" 0
	kill -HUP $watcher # says again what is watched
	wait_until 5 grep -q 'rules reloaded' $notes
	is 'limit: it is said' wait_until 5 has_noted \
		'^tocsin: looked at from time to time: .*max_user_watches'
	watch_stop
else
	skip 'limit: no user namespaces here'
fi
true
