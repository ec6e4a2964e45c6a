# SPDX-License-Identifier: GPL-2.0-or-later
# Baselines of a host that fails: file servers that fall silent, full disks,
# mounts in circles.
. /tocsin/tests/live/lib.sh
server=${act%/*}/server
cd $live
mknod /dev/fuse c 10 229
# More than once a second is asked before somebody is believed silent: what only
# stood still for a moment, as a whole host may, is not.
printf 'patience: 3s\npublic_keys: [/live/pub]\n' >base.yaml
chmod 600 base.yaml
"$tocsin" key generate -q --unencrypted sec pub >/dev/null
chmod 644 pub

# base CODE ACTION…: within two minutes, the output in $out.
base() {
	local code=$1 got
	shift
	out=$(timeout -k 1 120 "$tocsin" baseline "$@" -c base.yaml \
		-s $live/base 2>&1)
	got=$?
	[ $got -eq "$code" ] && return
	echo "	exit code $got, wanted $code: $out"
	return 1
}
says() { grep -qF -- "$1" <<<"$out" || { echo "	said: $out"; return 1; }; }
says_not() { ! grep -F -- "$1" <<<"$out"; }
silent() { [ -z "$(grep -v '^tocsin: ' <<<"$out")" ] || { echo "$out"; return 1; }; }

serve_at() { # POINT STAGE [FILE]
	: >$live/served # what the one before said
	"$server" "$@" >>$live/served 2>&1 &
	served=$!
	wait_until 5 grep -q ready $live/served
}
serve() { serve_at /srv/tree/far "$@"; } # STAGE [FILE]
unserve() {
	kill -KILL $served
	wait $served 2>/dev/null
	umount -n -l /srv/tree/far
}

# ---- servers ---------------------------------------------------------------

mkdir -p /srv/tree/far /srv/tree/near
echo one >/srv/tree/a
echo two >/srv/tree/near/b
echo old >/srv/tree/far/old
is 'baseline: before any server' base 0 init --key sec /srv/tree
# What is below a network file system is not asked for anything at all.
for stage in deaf getattr opendir; do
	serve $stage
	is "baseline: a server in the tree, $stage: not covered" base 8 check
	is "baseline: a server in the tree, $stage: named" \
		says '/srv/tree/far is a network or virtual file system'
	is "baseline: a server in the tree, $stage: nothing removed" \
		says ' 0 added, 0 removed, 0 changed, 1 not covered'
	unserve
done
is 'baseline: without it again' base 0 check
is 'baseline: without it again, quiet' silent

# Where the baseline begins inside of one, nobody waits for ever, and the
# program ends although threads of it never will.
serve never
is 'baseline: inside a server' base 0 init --key sec /srv/tree/far/d \
	/srv/tree/far/f /srv/tree/a
is 'baseline: inside a server: check' base 0 check
kill -USR1 $served # answers nothing from here on
echo more >>/srv/tree/a
is 'baseline: the server falls silent' base 12 check
is 'baseline: the server falls silent: named' says '/srv/tree/far/d did not answer in time'
is 'baseline: the server falls silent: the rest is checked' says '/srv/tree/a  size 4 -> 9'
is 'baseline: the server falls silent: nothing removed' says ' 0 removed'
is 'baseline: a silent server is not accepted' base 18 accept /srv/tree/far/d --reason x --key sec
is 'baseline: a silent server is not accepted: why' says 'did not answer in time'
is 'baseline: a silent server as a path' base 18 init --key sec /srv/tree/far/d/x
unserve
echo one >/srv/tree/a
touch -d @1700000000 /srv/tree/a
for stage in 'getattr f' 'read inside' 'open f' 'opendir d' 'readdir d'; do
	serve never
	is "baseline: silent at $stage: init" base 0 init --key sec \
		/srv/tree/far/d /srv/tree/far/f /srv/tree/a
	unserve
	serve $stage
	is "baseline: silent at $stage: not covered" base 8 check
	is "baseline: silent at $stage: named" says "/srv/tree/far/"
	is "baseline: silent at $stage: nothing removed" says ' 0 added, 0 removed, 0 changed'
	unserve
done
# Only attributes are asked for, many files at a time: what comes behind the
# one that nobody answers for, and who else had it in hand.
serve never
is 'baseline: quick: init' base 0 init --key sec /srv/tree/far/d \
	/srv/tree/far/f /srv/tree/far/z /srv/tree/near /srv/tree/a
is 'baseline: quick' base 0 check --quick
unserve
serve lookup f
echo three >>/srv/tree/near/b
is 'baseline: quick: the server falls silent' base 12 check --quick
is 'baseline: quick: named' says '/srv/tree/far/f did not answer in time'
is 'baseline: quick: what comes next is checked' says '/srv/tree/near/b  size'
is 'baseline: quick: nothing removed' says ' 0 removed'
unserve

# Home folders on a server, by the shipped scope's patterns, on a host that has
# hardly anything else.
mini=/srv/mini
mkdir -p $mini/home/alice $mini/home/bob $mini/proc $mini/live
cp --parents $(ldd "$tocsin" | grep -o '/[^ ]*') $mini
cp -L "$tocsin" $mini/program
cp -p base.yaml sec pub $mini/live
mount -n -t proc proc $mini/proc
mini() { # CODE ACTION…
	local code=$1 got
	shift
	out=$(timeout -k 1 120 chroot $mini /program baseline "$@" \
		-c /live/base.yaml -s /live/state 2>&1)
	got=$?
	[ $got -eq "$code" ] && return
	echo "	exit code $got, wanted $code: $out"
	return 1
}
echo x >$mini/home/alice/.bashrc
echo x >$mini/home/bob/.profile
is 'baseline: homes' mini 0 init --key live/sec
is 'baseline: homes: listed' mini 0 list
is 'baseline: homes: alice' says /home/alice/.bashrc
is 'baseline: homes: bob' says /home/bob/.profile
serve_at $mini/home/bob deaf
echo y >>$mini/home/alice/.bashrc
is 'baseline: a silent home' mini 12 check
is 'baseline: a silent home: named' says 'uncovered /home/bob did not answer in time'
is 'baseline: a silent home: the other one' says 'changed   /home/alice/.bashrc'
is 'baseline: a silent home: nothing removed' says ' 0 removed'
kill -KILL $served
wait $served 2>/dev/null
umount -n -l $mini/home/bob
# A link in the way is gone through.
mkdir $mini/data
mv $mini/home $mini/data
ln -s /data/home $mini/home
is 'baseline: homes elsewhere' mini 0 init --key live/sec
mini 0 list
is 'baseline: homes elsewhere: found' says /data/home/alice/.bashrc
umount -n $mini/proc
rm -r $mini

# ---- mounts ----------------------------------------------------------------

mkdir -p /srv/tree/near/deep/up
mount -n --bind /srv/tree /srv/tree/near/deep/up
is 'baseline: a folder below itself' base 0 init --key sec /srv/tree
is 'baseline: a folder below itself: named' says '/srv/tree/near/deep/up'
mkdir /srv/other
echo here >/srv/other/file
mkdir /srv/tree/bound
mount -n --bind /srv/other /srv/tree/bound
mknod /srv/tree/disk b 7 200
mknod /srv/tree/tty c 5 0
mkfifo /srv/tree/fifo
is 'baseline: bind mounts and devices' base 0 init --key sec /srv/tree
is 'baseline: bind mounts and devices: check' base 8 check
mknod /srv/tree/disk2 b 7 200
rm /srv/tree/tty
mknod /srv/tree/tty c 5 1
rm /srv/tree/bound/file
is 'baseline: devices and what is mounted' base 15 check
is 'baseline: a new device' says 'added     /srv/tree/disk2'
is 'baseline: another device' says '/srv/tree/tty  '
is 'baseline: in a bind mount' says 'removed   /srv/tree/bound/file'
umount -n /srv/tree/near/deep/up
umount -n /srv/tree/bound
rm -r /srv/tree

# ---- full disks --------------------------------------------------------------

# A disk of its own for the state and one for the tree, so full that the act
# fails at some step or other: LEFT pages are free.
mkdir -p small
mount -n -t tmpfs -o size=64m,mode=700 small small
mkdir small/tree
for i in 1 2 3 4 5 6 7 8; do seq $((i * 1000)) >small/tree/f$i; done
printf 'public_keys: [/live/pub]\nkeep: ["/live/small/tree/**"]\n' >full.yaml
chmod 600 full.yaml
full() { # CODE_VARIABLE ACTION…
	local -n got=$1
	shift
	out=$("$tocsin" baseline "$@" -q -c full.yaml -s small/state 2>&1)
	got=$?
}
used() { df -B4096 --output=used small | tail -n 1; }
squeeze() { mount -n -o "remount,size=$((($(used) + $1) * 4096))" small; }
widen() { mount -n -o remount,size=64m small; }

declare -A seen
bad=
# First ones: there is a baseline or there is none.
for left in $(seq 0 1 40); do
	rm -rf small/state
	squeeze $left
	full made init --key sec small/tree
	widen
	full checked check
	seen[init$made]=1
	case $made:$checked in
	0:0 | 18:33 | 18:0) ;;
	*) bad+=" init,$left:$made:$checked" ;;
	esac
done
is 'baseline: full disk: init failed and worked' same "${seen[init18]-}${seen[init0]-}" 11
is 'baseline: full disk: init, all or nothing' same "$bad" ''
# The next: the new one counts or the old one.
bad=
full made init --key sec small/tree
for left in $(seq 0 1 40); do
	echo $left >>small/tree/f1
	squeeze $left
	full made accept small/tree/f1 --reason x --key sec
	widen
	full checked check
	seen[accept$made]=1
	case $made:$checked in
	0:0 | 18:4 | 18:0) ;;
	*) bad+=" accept,$left:$made:$checked" ;;
	esac
	minisign -Vqm small/state/baseline.db -p pub >/dev/null 2>&1 ||
		bad+=" minisign,$left"
done
is 'baseline: full disk: accept failed and worked' same "${seen[accept18]-}${seen[accept0]-}" 11
is 'baseline: full disk: accept, the old or the new one' same "$bad" ''
# What is put back is there as a whole or not at all.
bad=
full made init --key sec small/tree
want=$(sha256sum <small/tree/f8)
for left in $(seq 0 1 12); do
	echo changed >small/tree/f8
	squeeze $left
	full made restore small/tree/f8
	widen
	seen[restore$made]=1
	case $(sha256sum <small/tree/f8) in
	"$want") ;;
	"$(echo changed | sha256sum)") [ $made -eq 18 ] || bad+=" $left:$made" ;;
	*) bad+=" $left:half" ;;
	esac
	[ "$(find small/tree -name '.tocsin*' | wc -l)" -eq 0 ] || bad+=" $left:litter"
	full checked log --verify
	[ $checked -eq 0 ] || bad+=" $left:log$checked"
done
is 'baseline: full disk: restore failed and worked' same "${seen[restore18]-}${seen[restore0]-}" 11
is 'baseline: full disk: restore, all or nothing' same "$bad" ''
umount -n small
