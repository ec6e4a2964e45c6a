# SPDX-License-Identifier: GPL-2.0-or-later
# The examples of the man pages: in each .Bd of EXAMPLES, lines after "$ " are
# run in one shell, and what follows must be what comes out. "# " needs root
# and is left alone. A command whose here-document is open takes its lines.

# Makes a script of a page: the commands, and a file of what was promised.
manual_split() {
	awk -v script="$2" -v wanted="$3" '
	/^\.Sh/ { section = $2 }
	/^\.Bd/ { open = section == "EXAMPLES"; any = 0; next }
	/^\.Ed/ { open = 0; here = 0; next }
	!open { next }
	{ gsub(/\\e/, "\\") ; gsub(/\\&/, "") }
	here { print > script; if ($0 == "END") here = 0; next }
	/^\$ / { sub(/^\$ /, ""); print > script; here = /<<END$/; any = 1; next }
	/^# / { exit }
	any { print > wanted }' "$1"
}

for page in "$root"/contrib/man/*.[15]; do
	name=${page##*/}
	mkdir "manual-$name"
	: >"manual-$name/wanted"
	manual_split "$page" "manual-$name/script" "manual-$name/wanted"
	[ -e "manual-$name/script" ] || continue
	got=$(cd "manual-$name" && {
		declare -f tocsin
		echo "work=$work"
		cat script
	} >shell && bash shell 2>&1)
	is "examples of $name" "$(cat "manual-$name/wanted")" "$got"
done
