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
	# There it is root; here it may be anybody.
	is "examples of $name" "$(sed "s/owner 0, group 0/owner $(id -u), group $(id -g)/" \
		"manual-$name/wanted")" "$got"
done

# Every command has a page, and every option stands in one.
documented() { # PAGE: options, sorted
	grep -oE '(Fl|,) -[a-z-]+' "$root/contrib/man/$1" | sed 's/.* -/--/' |
		sort -u
}
all=$(for command in $(help_commands); do help_options "$command"; done |
	sort -u)
for command in $(help_commands); do
	is "page of $command" "$command" "$(sed -n \
		"s/^\.Dt TOCSIN-${command^^} 1$/$command/p" \
		"$root/contrib/man/tocsin-$command.1")"
	has "page of $command: named in tocsin(1)" ".Xr tocsin-$command 1" \
		"$(cat "$root/contrib/man/tocsin.1")"
	is "page of $command: options that are not in it" '' "$(comm -23 \
		<(comm -23 <(help_options "$command") <(help_options)) \
		<(documented "tocsin-$command.1"))"
	is "page of $command: options that there are not" '' "$(comm -13 \
		<(echo "$all") <(documented "tocsin-$command.1"))"
done
is 'tocsin(1): options that are not in it' '' \
	"$(comm -23 <(help_options) <(documented tocsin.1))"
if command -v man >/dev/null; then
	for page in "$root"/contrib/man/*.[158] "$BUILT"/contrib/man/*.5; do
		is "${page##*/}: nothing for man to complain of" '' \
			"$(man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)"
	done
fi
