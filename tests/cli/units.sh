# SPDX-License-Identifier: GPL-2.0-or-later
# The systemd units, as systemd itself reads them, where it is installed.
mkdir -p units/sbin
ln -s "$TOCSIN" units/sbin/tocsin
for unit in "$root"/contrib/*.service "$root"/contrib/*.timer; do
	sed "s|@PREFIX@|$work/units|" "$unit" >"units/${unit##*/}"
done

# Behind any of these a monitor sees another file system, or network, than the
# host has.
is 'tocsin.service hides nothing from the monitor' '' \
	"$(grep -E '^(Private(Tmp|Devices|Network|Mounts|Users|IPC)|Protect(System|Home|Proc|Hostname|Kernel.*|ControlGroups)|ProcSubset|Root.*|(ReadOnly|ReadWrite|Inaccessible|NoExec|Exec|Bind.*)Paths|TemporaryFileSystem|MountFlags|DynamicUser)=' \
		units/tocsin.service)"
if command -v systemd-analyze >/dev/null; then
	is 'units: systemd has nothing to say' '' \
		"$(systemd-analyze verify --man=no units/*.service \
			units/*.timer 2>&1)"
	# Ten times the figure that it prints last; more is worse.
	systemd-analyze security --offline=true --no-pager --threshold=46 \
		units/tocsin.service >units/security 2>&1
	is "units: $(tail -n 1 units/security)" 0 $?
fi
if command -v systemd-sysusers >/dev/null; then
	mkdir -p units/tree/etc
	is 'units: the group is made' tocsin "$(
		systemd-sysusers --root="$work/units/tree" \
			"$root/contrib/tocsin.sysusers" >&2 2>/dev/null
		cut -d : -f 1 units/tree/etc/group)"
fi

# What the daily units start, here with a folder of its own: a chain of reports.
mkdir -p daily/reports daily/tree
printf 'x\n' >daily/tree/file
tocsin key generate -q --unencrypted daily/sec daily/pub >/dev/null
tocsin baseline init -q -s daily --key daily/sec daily/tree
daily() { # NAME CODE UNIT ARGUMENT…
	local unit=$root/contrib/$3 line
	line=$(sed -n 's|^ExecStart=@PREFIX@/sbin/tocsin ||p' "$unit" |
		sed 's|/var/lib/tocsin|daily|')
	# shellcheck disable=SC2086 # words of a command line
	run "$1" "$2" $line -s daily "${@:4}"
}
daily 'daily: scan' 0 tocsin-scan.service --only files daily/tree
daily 'daily: check' 0 tocsin-baseline.service --pubkey daily/pub
printf 'y\n' >daily/tree/file
daily 'daily: check, changed' 4 tocsin-baseline.service --pubkey daily/pub
has 'daily: says where' 'tocsin: daily/reports/2' "$err"
has 'daily: says what' '1 changed' "$err"
is 'daily: names' 'baseline baseline scan' \
	"$(ls daily/reports | sed -E 's/^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z-(.*)\.json$/\1/' |
		sort | paste -sd ' ')"
is 'daily: nobody else reads them' 600 "$(stat -c %a daily/reports/* | sort -u)"
run 'daily: signed afterwards' 0 report sign -q --key daily/sec daily/reports/*.json
run 'daily: a chain' 0 report verify --format ndjson --pubkey daily/pub daily/reports/*.json
is 'daily: a chain' 'first follows follows' \
	"$(printf '%s\n' "$out" | jq -r .chain | paste -sd ' ')"
# One that was not finished has no name there.
before=$(ls daily/reports)
mv daily/baseline.db daily/elsewhere.db
daily 'daily: no baseline' 33 tocsin-baseline.service --pubkey daily/pub
is 'daily: not finished, not there' "$before" "$(ls daily/reports)"
mv daily/elsewhere.db daily/baseline.db
run 'daily: a folder and no report' 18 scan --only files --format ndjson -o daily/reports daily/tree
