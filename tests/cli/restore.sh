# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin baseline diff and restore: what was done to a tree, and undone.

mkdir restore
cd restore || exit 1
mkdir tree
printf 'keep: ["%s/tree/**"]\npublic_keys: [%s/pub]\n' "$PWD" "$PWD" >keep.yaml
chmod 600 keep.yaml
tocsin key generate --unencrypted sec pub >/dev/null
chmod 644 pub
base() { # NAME CODE ACTION…
	local name=$1 code=$2
	shift 2
	run "$name" "$code" baseline "$@" -c keep.yaml -s "$PWD/state"
}
printf 'one\ntwo\nthree\n' >tree/text
printf 'a\0b' >tree/binary
echo 'root:hash' >tree/shadow
printf -- '-----BEGIN PRIVATE KEY-----\n' >tree/certificate
# A program that reads keys is none.
printf -- '\177ELF -----BEGIN PRIVATE KEY-----\n' >tree/program
: >tree/empty
mkdir tree/folder
echo in >tree/folder/inside
ln -s text tree/link
chmod 640 tree/text
chmod 755 tree/folder
head -c 3000000 /dev/zero >tree/large
base 'init' 0 init --key sec tree
# text, binary, program, empty, folder/inside; not what is large or secret.
is 'what is kept' 5 "$(find state/objects -type f | wc -l)"

base 'diff: the same' 0 diff tree/text
printf 'one\n2\nthree\n' >tree/text
base 'diff' 1 diff tree/text
is 'diff' '@@ -1,3 +1,3 @@
 one
-two
+2
 three' "$(printf '%s\n' "$out" | tail -n +3)"
if command -v patch >/dev/null; then
	printf 'one\ntwo\nthree' >tree/text
	base 'diff: without its last newline' 1 diff tree/text
	printf '%s\n' "$out" | patch -sR tree/text
	is 'diff: patch takes it back' 'one
two
three' "$(cat tree/text)"
	is 'diff: patch takes it back' 14 "$(stat -c %s tree/text)"
	printf 'one\n2\nthree\n' >tree/text
fi
base 'diff: secret' 24 diff tree/shadow
base 'diff: secret by content' 24 diff tree/certificate
is 'diff: secret' '' "$out"
printf 'a\0c' >tree/binary
base 'diff: binary' 1 diff tree/binary
has 'diff: binary' 'is no text' "$out"

chmod 4777 tree/text
rm tree/empty tree/folder/inside
base 'diff: removed' 1 diff tree/folder/inside
has 'diff: removed' 'inside (removed)' "$out"
is 'diff: removed: what it had' '-in' "$(printf '%s\n' "$out" | tail -n 1)"
rm -r tree/folder
base 'diff: removed, empty' 1 diff tree/empty
has 'diff: removed, empty' 'tree/empty (removed)' "$out"
ln -sfn /etc/passwd tree/link
echo x >tree/added
echo more >>tree/large
chmod 600 tree/shadow
if [ "$(id -u)" -eq 0 ]; then
	chattr +i tree/binary 2>/dev/null
	chown 1:1 tree/text
fi
base 'restore: changes' 7 check
base 'restore: added, without --delete' 16 restore tree/added
base 'restore: outside' 16 restore --delete /etc/hostname
base 'restore: content not kept' 24 restore tree/large
[ "$(stat -c %s tree/large)" -eq 3000005 ]
is 'restore: content not kept, left alone' 0 $?
base 'restore: all' 0 restore --delete tree/text tree/binary tree/empty \
	tree/folder tree/folder/inside tree/link tree/shadow tree/added
has 'restore: says what' 'removed  ' "$out"
truncate -s 3000000 tree/large
base 'restore: then clean but for the time' 4 check
has 'restore: then clean but for the time' 'tree/large  mtime' "$out"
is 'restore: then clean but for the time' 1 "$(printf '%s\n' "$out" | wc -l)"
base 'restore: a time' 0 restore tree/large
base 'restore: clean' 0 check
is 'restore: content' 'one
two
three' "$(cat tree/text)"
base 'restore: log' 0 log --verify
base 'restore: log' 0 log
is 'restore: log' 2 "$(printf '%s\n' "$out" | grep -c restore)"

# Folders above that are gone come first, as they were.
mkdir -p tree/deep/deeper/empty
echo deep >tree/deep/deeper/file
chmod 750 tree/deep
chmod 1730 tree/deep/deeper
[ "$(id -u)" -ne 0 ] || chown 3:4 tree/deep/deeper
base 'folders: init' 0 init --key sec tree
was=$(stat -c '%A %u %g' tree/deep tree/deep/deeper tree/deep/deeper/file)
rm -r tree/deep
base 'folders: diff' 1 diff tree/deep/deeper/file
has 'folders: diff' 'deeper/file (removed)' "$out"
is 'folders: diff' '-deep' "$(printf '%s\n' "$out" | tail -n 1)"
base 'folders: show' 0 show tree/deep/deeper/file
has 'folders: show' 'removed' "$out"
base 'folders: unknown' 16 restore tree/deep/none/file
has 'folders: unknown' 'tree/deep/none/file is not in the baseline' "$err"
base 'folders: restore' 0 restore tree/deep/deeper/file
is 'folders: restore' 'restored /tree/deep
restored /tree/deep/deeper
restored /tree/deep/deeper/file' "${out//$PWD/}"
is 'folders: as they were' "$was" \
	"$(stat -c '%A %u %g' tree/deep tree/deep/deeper tree/deep/deeper/file)"
base 'folders: not those beside' 2 check
base 'folders: those beside' 0 restore tree/deep/deeper/empty
base 'folders: clean' 0 check

# What somebody has put in the place of one is neither followed nor removed.
mv tree/deep kept
mkdir elsewhere
for way in 'ln -s' cp; do
	$way "$PWD/$([ "$way" == cp ] && echo tree/text || echo elsewhere)" \
		tree/deep
	base "in the way, $way: diff" 1 diff tree/deep/deeper/file
	base "in the way, $way: restore" 18 restore tree/deep/deeper/file
	has "in the way, $way: restore" 'something else is in the place' "$err"
	is "in the way, $way: one line" 1 "$(printf '%s\n' "$err" | wc -l)"
	is "in the way, $way: nothing there" '' "$(ls -A elsewhere)"
	base "in the way, $way: the folder" 18 restore tree/deep
	has "in the way, $way: the folder" 'move it away first' "$err"
	rm tree/deep
done
mv tree/text kept.text
mkdir tree/text
base 'in the way, a folder: restore' 18 restore tree/text
has 'in the way, a folder: restore' 'a folder is in its place, move it' "$err"
rmdir tree/text
mv kept.text tree/text
mv tree tree.away
base 'folders: a root that is gone' 0 restore tree/deep/deeper/file
is 'folders: a root that is gone' deep "$(cat tree/deep/deeper/file)"
rm -r tree
mv tree.away tree
mkdir gone && base 'folders: init below' 0 init --key sec tree/folder
mv tree gone
base 'folders: above the scope' 18 restore tree/folder/inside
has 'folders: above the scope' 'tree is gone, and not in the baseline' "$err"
mv gone/tree tree
rm -r kept

# Names of one file are that again.
ln tree/text tree/name
base 'links: init' 0 init --key sec tree
printf 'one\n2\nthree\n' >tree/text
base 'links: check' 4 check
base 'links: restore' 0 restore tree/text tree/name
base 'links: clean' 0 check
is 'links: one file' 2 "$(stat -c %h tree/name)"
rm tree/name
cp -p tree/text tree/name
base 'links: a copy' 4 check
base 'links: a copy' 0 restore tree/name
base 'links: a copy, clean' 0 check
rm tree/name
base 'links: gone' 6 check
base 'links: gone' 0 restore tree/name
base 'links: gone, clean' 0 check
rm tree/name
base 'links: without' 0 init --key sec tree

# A damaged object is as good as none.
for object in state/objects/*/*; do
	printf x >>"$object"
	truncate -s 5 "$object"
done
echo other >tree/text
base 'restore: damaged object' 24 restore tree/text
is 'restore: damaged object, left alone' other "$(cat tree/text)"
base 'repair: init' 0 init --key sec tree
cd ..
