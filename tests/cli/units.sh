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
