#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a baseline costs, as multiples of reading the same files with
# `find | xargs -P2 openssl dgst -sha256` in the same run, on the wall and in
# processor time, which is firmer on a busy host: the median of ROUNDS rounds,
# FILES small files. In a private mount namespace, on the files of TMPDIR's file
# system and on this host's /usr and /etc. AIDE as the peer.
set -u
# Mounts of the host's own folders: in a namespace of their own, whoever starts
# this, and read-only, so that nothing that tidies up can reach them.
if [ -z "${BENCH_INSIDE:-}" ]; then
	BENCH_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
fi
tocsin=$(realpath "${TOCSIN:-tocsin}")
rounds=${ROUNDS:-5}
work=$(mktemp -d) || exit 1
cd "$work" || exit 1
tidy() {
	cd / || exit 1
	umount -l -q "$work"/real/*
	grep -qF " $work/" /proc/self/mountinfo ||
		rm -rf --one-file-system "$work"
}
trap tidy EXIT
line() { printf '%-46s %10s   %s\n' "$@"; }

echo '{}' >config.yaml
chmod 600 config.yaml
"$tocsin" key generate -q --unencrypted sec pub >/dev/null || exit 1

make_trees() {
	mkdir -p real/usr real/etc small large
	mount -r --bind /usr real/usr && mount -r --bind /etc real/etc || exit 1
	awk -v n="${FILES:-200000}" 'BEGIN {
		for (i = 0; i < n; i++) {
			# A quarter of them in one folder.
			d = i < n / 4 ? "all" : "d" i % 500
			if (!(d in made))
				system("mkdir small/" d)
			made[d] = 1
			f = "small/" d "/f" i
			s = sprintf("%d ", i)
			for (k = 0; k < i % 300; k++)
				s = s "some words "
			print s > f
			close(f)
		}
	}'
	for i in 1 2 3 4 5 6 7 8; do
		head -c $((268435456)) /dev/urandom >large/$i
	done
}

# spent COMMAND…: seconds on the wall, and of processors, to the file spent; what
# it says to the file said.
spent() {
	local TIMEFORMAT='%R %U %S' code
	{ time "$@" >said 2>&1; } 2>times
	code=$?
	awk '{ print $1, $2 + $3 }' times >spent
	return $code
}
limit() {
	find "$1" -type f -print0 | xargs -0 -P2 openssl dgst -sha256 >/dev/null
}
baseline() { "$tocsin" baseline "$@" -q -c config.yaml -s state --threads 2; }
init() { baseline init --key sec "$1"; }
check() { baseline check --pubkey pub; }
quick() { baseline check --quick --pubkey pub; }
aide_config() {
	printf 'database_in=file:%s/aide.db\ndatabase_out=file:%s/aide.db\n' \
		"$work" "$work"
	printf 'gzip_dbout=no\n'
	# aide.conf(5): since 0.18.
	aide --version 2>&1 | grep -q 'AIDE 0\.1[0-7]' || echo num_workers=2
	# A rule is the start of a regular expression.
	printf '%s(/.*)?$ p+u+g+s+m+i+n+ftype+xattrs+acl+caps+sha256\n' \
		"$(sed 's/[].[^$*+?(){}|\\]/\\&/g' <<<"$work/$1")"
}
aide_init() { aide_config "$1" >aide.conf && aide -c aide.conf --init; }
aide_check() { aide -c aide.conf --check; }

# failed ACT TREE CODE: why what was measured is not the work that was asked for.
# To find differences is none of it: the host's own files change. AIDE's codes
# from 14 on are errors, as are signals.
failed() {
	local entries
	case $1 in
	init | aide_init) [ "$3" -ne 0 ] ;;
	check | quick) [ "$3" -gt 15 ] ;;
	aide_check) [ "$3" -gt 7 ] ;;
	esac && echo "exit $3: $(tail -n 1 said | cut -c 1-60)" && return
	case $1 in aide_*) ;; *) return 1 ;; esac
	entries=$(awk '/umber of entries:/ { print $NF }' said)
	[ $((${entries:-0} * 100)) -lt $(($(find "$2" | wc -l) * 99)) ] &&
		echo "${entries:-0} entries of $(find "$2" | wc -l)"
}

median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.2f", v[int((NR + 1) / 2)] }'; }

# Each act after the limit, which warms the cache for it. What takes a minute
# has one round: AIDE is quadratic in the entries of a folder.
measure() { # TREE ACT…
	local tree=$1 act i wall cpu w c
	shift
	limit "$tree" >/dev/null
	for ((i = 0; i < rounds; i++)); do
		spent limit "$tree"
		read -r wall cpu <spent
		echo "$wall" >>"$tree.limit"
		echo "$cpu" >>"$tree.limit.cpu"
		for act in "$@"; do
			[ -e "$tree.$act.done" ] && continue
			spent "$act" "$tree"
			failed "$act" "$tree" $? >"$tree.$act.done" && continue
			rm "$tree.$act.done"
			read -r w c <spent
			awk -v a="$w" -v b="$wall" 'BEGIN { print a / b }' \
				>>"$tree.$act"
			awk -v a="$c" -v b="$cpu" 'BEGIN { print a / b }' \
				>>"$tree.$act.cpu"
			[ "${w%.*}" -lt 60 ] || touch "$tree.$act.done"
		done
	done
	line "$tree tree: openssl, s" "$(median <"$tree.limit")" \
		"$(median <"$tree.limit.cpu") s of processors, $(find "$tree" -type f | wc -l) files"
	for act in "$@"; do
		told "$tree" "$act"
	done
}

told() { # TREE ACT
	local name="$1 tree: ${2/_/ }"
	if [ -s "$1.$2.done" ]; then
		line "$name" failed "$(cat "$1.$2.done")"
		return
	fi
	line "$name" "$(median <"$1.$2")" "× openssl; of processor time $(
		median <"$1.$2.cpu") ×, rounds: $(wc -l <"$1.$2")"
}

memory() { # ACT TREE: the most that was resident
	local most=0 now pid
	"$@" >/dev/null 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		now=$(awk '/^VmHWM/ { print $2 }' /proc/$pid/status \
			"/proc/$(pgrep -n -P $pid)/status" \
			2>/dev/null | tail -n 1)
		[ "${now:-0}" -gt $most ] && most=$now
		sleep 0.02
	done
	wait $pid
	awk -v k=$most 'BEGIN { printf "%.1f", k / 1024 }'
}

make_trees
acts=(init check quick)
if command -v aide >/dev/null; then
	acts+=(aide_init aide_check)
	line 'peer' aide "$(aide --version 2>&1 | sed -n 1p), 2 workers"
else
	line 'peer' none 'AIDE is not installed: contrib/install-deps --bench'
fi
measure large "${acts[@]}"
measure real "${acts[@]}"
measure small "${acts[@]}"
line 'small tree: init, MiB resident' "$(memory init small)" ''
line 'small tree: check, MiB resident' "$(memory check small)" ''
line 'small tree: database, bytes a file' \
	"$(($(stat -c %s state/baseline.db) / $(find small | wc -l)))" ''
# Does it grow? A quarter, all in one folder; and twice as many.
line 'one folder: init, MiB resident' "$(memory init small/all)" \
	"$(find small/all -type f | wc -l) files"
mkdir twice
cp -al small twice/a
cp -al small twice/b
line 'twice the small tree: init, MiB resident' "$(memory init twice)" \
	"$(find twice -type f | wc -l) files"
line 'twice the small tree: check, MiB resident' "$(memory check twice)" ''
