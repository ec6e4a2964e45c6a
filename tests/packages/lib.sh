# SPDX-License-Identifier: GPL-2.0-or-later
# A Debian 12 in a folder, and Tocsin in it: sourced by run.

# As in `check-fresh`: the first mirror of this host's APT configuration that
# serves ARCHIVE.
mirror_of() {
	sed '/^ *#/d' $(find /etc/apt -name '*.list' -o -name '*.sources') |
		grep -oE "[a-z+]+://[^ ]+/$1/?( |\$)" | sed -n 1p | tr -d ' '
}

# The release without its security updates, so that there is something to
# upgrade to; and with what a host has before somebody makes a baseline of it.
make_root() {
	local main
	main=$(mirror_of debian)
	[ -n "$main" ] || die 'no Debian mirror in /etc/apt'
	chattr -i "$root/etc/hosts" 2>/dev/null || :
	rm -rf "$root"
	mkdir -p "$root"
	debootstrap --variant=minbase --include=systemd,acl,libcap2-bin \
		bookworm "$root" "$main" >"$root.log" 2>&1 ||
		{ tail "$root.log" >&2; die 'debootstrap failed'; }
	# Proxies and the like; nothing that a package would make.
	find /etc/apt/apt.conf.d -type f ! -name '*autoremove*' \
		! -name 'docker*' \
		-exec cp {} "$root/etc/apt/apt.conf.d/" \;
	echo "deb $main bookworm main" >"$root/etc/apt/sources.list"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || :
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	echo host >"$root/etc/hostname"
	mkdir -p -m 700 "$root/root/.ssh"
	echo 'ssh-ed25519 AAAA admin' >"$root/root/.ssh/authorized_keys"
}

# The program and all it is linked with, outside of the baseline's scope and
# independent of what is installed there.
put_tocsin() {
	rm -rf "$root/tocsin"
	mkdir -p "$root/tocsin/lib"
	cp "$TOCSIN" "$root/tocsin/tocsin"
	ldd "$TOCSIN" | grep -oE '/[^ ]+' | while read -r f; do
		cp -L "$f" "$root/tocsin/lib/"
	done
	cat >"$root/tocsin/run" <<-'RUN'
		#!/bin/sh
		exec /tocsin/lib/ld-linux-* --library-path /tocsin/lib \
			/tocsin/tocsin "$@"
	RUN
	chmod 755 "$root/tocsin/run"
}

# inside COMMAND…: with its own processes and mounts, the host's network.
inside() {
	unshare --mount --pid --ipc --uts --fork --kill-child \
		--propagation private bash -euc '
		root=$1
		shift
		mount -n --bind "$root" "$root"
		cd "$root"
		mount -n -t proc proc proc
		mount -n -t sysfs -o ro sysfs sys
		mount -n -t devpts -o newinstance,ptmxmode=666 pts dev/pts
		mkdir -p tocsin/old
		pivot_root . tocsin/old
		cd /
		umount -n -l /tocsin/old
		exec env -i HOME=/root TERM=dumb LC_ALL=C \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			DEBIAN_FRONTEND=noninteractive "$@"' - "$root" "$@" \
		</dev/null
}

apt() {
	inside apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
		-o Dpkg::Options::=--force-confdef "$@" \
		>>"$root/tocsin/apt.log" 2>&1 ||
		{ tail -n 20 "$root/tocsin/apt.log" >&2; die "apt-get $*"; }
}

# baseline ACTION…
baseline() {
	inside /tocsin/run baseline "$@" -q --no-progress
}
