# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin scan: things that are there already, and their like that are in order.
. /tocsin/tests/live/lib.sh
state_before=$(ls -A $live)

# ---- what dpkg knows -------------------------------------------------------

# pkg NAME FILE…: these files are of that package, as they are now.
pkg() {
	local name=$1 file
	shift
	mkdir -p /var/lib/dpkg/info
	: >>/var/lib/dpkg/status
	for file in "$@"; do
		echo "$file" >>/var/lib/dpkg/info/$name.list
		[ -L "$file" ] || [ -d "$file" ] ||
			echo "$(md5sum <"$file" | cut -d' ' -f1)  ${file#/}" \
				>>/var/lib/dpkg/info/$name.md5sums
	done
}

unit() { # PATH COMMAND
	printf '[Service]\nExecStart=%s\n' "$2" >$1
}
timer() { # PATH
	printf '[Timer]\nOnCalendar=daily\n' >$1
}

# ---- files -----------------------------------------------------------------

declare -A wanted # "rule path", "rule pid": what must be found
found() { # RULE PATH WHAT
	wanted["$(rule_id $1) $2"]=$3
}

usr_lib=/usr/lib/systemd/system
cp $act /usr/local/bin/helper
chmod 4755 /usr/local/bin/helper
found setuid_outside_packages /usr/local/bin/helper 'setuid program of no package'
cp $act /usr/local/bin/grouper
chmod 2755 /usr/local/bin/grouper
found setuid_outside_packages /usr/local/bin/grouper 'setgid program of no package'
cp $act /usr/local/bin/find
chmod 4755 /usr/local/bin/find
pkg tools /usr/local/bin/find
found setuid_outside_packages /usr/local/bin/find 'a setuid bit on find, which a package brought'
cp $act /usr/local/bin/changed
pkg tools /usr/local/bin/changed
echo >>/usr/local/bin/changed
chmod 4755 /usr/local/bin/changed
found setuid_outside_packages /usr/local/bin/changed 'a setuid program that is not what the package brought'
cp $act /usr/local/bin/passwd
chmod 4755 /usr/local/bin/passwd
pkg tools /usr/local/bin/passwd
cp $act /usr/local/bin/notes
chmod 2644 /usr/local/bin/notes

if type setcap >/dev/null 2>&1; then
	cp $act /usr/local/bin/capable
	setcap cap_setuid+ep /usr/local/bin/capable
	found file_capabilities_outside_packages /usr/local/bin/capable 'capabilities on a program of no package'
	cp $act /usr/local/bin/ping
	setcap cap_net_raw+p /usr/local/bin/ping
	pkg tools /usr/local/bin/ping
else
	skip 'scan: no setcap here'
fi

# The host's own, as dpkg would have them.
/usr/bin/find /usr -type f -perm /6000 >$live/setuid
! type getcap >/dev/null 2>&1 || getcap -r /usr 2>/dev/null | cut -d' ' -f1 >>$live/setuid
while read -r path; do
	case $path in
	/usr/local/*) ;;
	*) pkg host "$path" ;;
	esac
done <$live/setuid

# Programs complain of a library that is not there, so this comes last.
preload() {
	echo "# a comment
/usr/lib/libnothing.so" >/etc/ld.so.preload
}
found ld_so_preload /etc/ld.so.preload 'a preloaded library'

unit /etc/systemd/system/writable.service /usr/bin/true
chmod 666 /etc/systemd/system/writable.service
found startup_file_writable /etc/systemd/system/writable.service 'a unit that anybody may write'
unit /etc/systemd/system/fine.service /usr/bin/true
mkdir -p /etc/cron.d
echo '* * * * * root true' >/etc/cron.d/alices
chown 1000 /etc/cron.d/alices
found startup_file_writable /etc/cron.d/alices 'a cron job of alice'
echo '* * * * * root true' >/etc/cron.d/roots
ln -s /tmp/lurking.service /etc/systemd/system/lurking.service
found startup_link_to_scratch /etc/systemd/system/lurking.service 'a unit that is a link into /tmp'
ln -s /dev/null /etc/systemd/system/masked.timer
unit /etc/systemd/system/hasty.service '/tmp/x --daemon'
found systemd_service_content /etc/systemd/system/hasty.service 'a service that runs from /tmp'

timer /etc/systemd/system/evil.timer
found systemd_timer_created /etc/systemd/system/evil.timer 'a timer of no package'
timer $usr_lib/good.timer
pkg good $usr_lib/good.timer
mkdir /etc/systemd/system/timers.target.wants
ln -s $usr_lib/good.timer /etc/systemd/system/timers.target.wants/good.timer

echo '#!/bin/sh' >/etc/update-motd.d/99-news
found motd_script_changed /etc/update-motd.d/99-news 'a script of no package in update-motd.d'
echo '#!/bin/sh' >/etc/update-motd.d/10-uname
pkg good /etc/update-motd.d/10-uname

cp $act /run/evil.pid
found run_pid_lock_reboot_content /run/evil.pid 'a program in a pid file'
found program_in_memory_folder /run/evil.pid 'a program in /run'
printf 'not a number\n' >/run/words.pid
found run_pid_lock_reboot_content /run/words.pid 'a pid file without a number'
echo 1 >/run/good.pid
cp $act /dev/shm/tool
found program_in_memory_folder /dev/shm/tool 'a program in /dev/shm'
head -c 4096 /dev/urandom >/dev/shm/.cache
found program_in_memory_folder /dev/shm/.cache 'noise in a hidden file in /dev/shm'
head -c 4096 /dev/urandom >/dev/shm/buffer
mkfifo /dev/shm/fifo # whoever opens it waits for ever
mkdir /tmp/.hidden
cp $act /tmp/.hidden/x
found program_in_memory_folder /tmp/.hidden/x 'a program in a hidden folder of /tmp'
mkfifo /tmp/.hidden/fifo
cp $act /tmp/build

# ---- processes -------------------------------------------------------------

pids=()
# lives RULE WHAT PROGRAM…: the program lives on, as one that is to be found;
# RULE - : not to be found.
lives() {
	local rule=$1 what=$2
	shift 2
	ACT_LOG= ACT=$(words sleep 300000) "$@" </dev/null &
	alive=$!
	pids+=($alive)
	[ "$rule" = - ] || found $rule $alive "$what"
}

actor /tmp/runner
lives process_from_scratch 'a program that runs from /tmp' /tmp/runner
actor /opt/gone
lives process_image_gone 'a program whose file was removed' /opt/gone
actor /opt/upgraded
lives - 'a program whose file was replaced' /opt/upgraded
wait_until 5 [ -e /proc/${pids[2]}/exe ]
sleep 0.3
rm /opt/gone
actor /opt/upgraded.new
mv /opt/upgraded.new /opt/upgraded
actor /usr/local/sbin/worker
lives kernel_thread_impostor 'a program called [kworker/0:1]' bash -c 'exec -a "[kworker/0:1]" /usr/local/sbin/worker'
lives - 'a program called [x y]' bash -c 'exec -a "[x y]" /usr/local/sbin/worker'
lives - 'an ordinary one' /usr/local/sbin/worker

cat >/etc/update-motd.d/50-help <<'END'
#!/bin/sh
bash --norc --noprofile -i -c 'echo $$ >/live/motd-shell; exec -a bash bash --norc -i </live/motd-in'
:
END
chmod 755 /etc/update-motd.d/50-help
pkg good /etc/update-motd.d/50-help
mkfifo $live/motd-in
sleep 300 >$live/motd-in &
pids+=($!)
setsid /etc/update-motd.d/50-help >/dev/null 2>&1 &
wait_until 5 [ -s $live/motd-shell ]
sleep 0.3
found motd_process_spawned "$(cat $live/motd-shell)" 'an interactive shell below a motd script'

actor /usr/sbin/nginx
ACT=$(words spawn /bin/sh sh -c 'echo $$ >/live/web-shell; read x; :' id) \
	ACT_LOG= /usr/sbin/nginx <$live/motd-in >/dev/null 2>&1 &
wait_until 5 [ -s $live/web-shell ]
found web_server_command "$(cat $live/web-shell)" 'a shell below a web server'

ACT=$(words serve tcp :: 7001) ACT_LOG= "$act" >$live/serving &
wait_until 5 grep -q serving $live/serving
bash -c 'exec 3<>/dev/tcp/2001:db8::1/7001; exec bash -c "echo \$\$ >/live/cat-pid; cat <&3 & echo \$! >/live/cat-pid; wait"' &
wait_until 5 [ -s $live/cat-pid ]
sleep 0.3
found cat_network_activity "$(cat $live/cat-pid)" 'cat that reads from a connection'

sleep 300 &
covered=$!
pids+=($covered)
mkdir $live/empty
mount -n --bind $live/empty /proc/$covered
found hidden_process $covered 'a process with a folder mounted over /proc/PID'
sleep 300 &
covered=$!
pids+=($covered)
mount -n --bind /proc/1 /proc/$covered
found hidden_process $covered 'a process with another mounted over its /proc/PID'
(exit 0) & # nobody waits for it yet: a zombie

# ---- the scan ---------------------------------------------------------------

preload
"$tocsin" scan --format ndjson -s $live/state -o $alerts 2>$notes
code=$?
rm /etc/ld.so.preload
is 'scan: exit code of findings' same $code 1
jq -r '.rule.id + " " + (.file.path // (.process.pid | tostring))' $alerts |
	sort >$live/found
for key in "${!wanted[@]}"; do
	what="scan: ${wanted[$key]}"
	if [ "$(grep -cxF "$key" $live/found)" = 1 ]; then
		ok "$what"
	else
		not_ok "$what ($key)"
	fi
done
while read -r key; do
	[ -n "${wanted[$key]:-}" ] || not_ok "scan: found and not wanted: $key"
done <$live/found
is 'scan: as many findings as things planted' \
	same "$(wc -l <$live/found)" ${#wanted[@]}
is 'scan: nothing written to the state folder' [ ! -e $live/state ]
explained=$(sed -n 's/.* \([0-9]*\) more explained.*/\1/p' $notes)
is 'scan: what packages explain: two motd scripts, the timer, two links' \
	same "$explained" 5
is 'scan: the kernel does not hide what a mount does' same '["mount"]' \
	"$(jq -c 'select(.process.pid == '$covered') |
	.tocsin.process.hidden_from' $alerts)"
is 'scan: what is below the mount is told' same sleep \
	"$(jq -r 'select(.process.pid == '$covered') | .process.name' $alerts)"
is 'scan: libraries' same '["/usr/lib/libnothing.so"]' \
	"$(jq -c 'select(.rule.id == "ld-so-preload") |
	.tocsin.preload.libraries' $alerts)"
is 'scan: a package that has been changed' same 'tools false' \
	"$(jq -r 'select(.file.path == "/usr/local/bin/changed") |
	"\(.tocsin.package.name) \(.tocsin.package.digest_matches)"' $alerts)"
is 'scan: the other end' same 2001:db8::1 "$(jq -r \
	'select(.rule.id == "cat-network-activity") | .destination.ip' $alerts)"
is 'scan: facts of a file' same "$(sha256sum </run/evil.pid | cut -d' ' -f1)" \
	"$(jq -r 'select(.rule.id == "run-pid-lock-reboot-content" and
	.file.path == "/run/evil.pid") | .file.hash.sha256' $alerts)"

# ---- a library that lies ------------------------------------------------------

umount -n /proc/$covered
if type cc >/dev/null 2>&1; then
	cat >$live/hide.c <<-'END'
	#define _GNU_SOURCE
	#include <dirent.h>
	#include <dlfcn.h>
	#include <stdlib.h>
	#include <string.h>
	#define LIAR(name, entry)                                    \
	struct entry *name(DIR *d)                                   \
	{                                                            \
		struct entry *(*next)(DIR *) = dlsym(RTLD_NEXT, #name); \
		struct entry *e;                                     \
		do                                                   \
			e = next(d);                                 \
		while (e && strcmp(e->d_name, getenv("HIDE")) == 0); \
		return e;                                            \
	}
	LIAR(readdir, dirent)
	LIAR(readdir64, dirent64)
	END
	cc -shared -fPIC -o $live/hide.so $live/hide.c -ldl
	HIDE=$covered LD_PRELOAD=$live/hide.so "$tocsin" scan \
		--only processes --format ndjson -o $live/lied 2>/dev/null
	is 'scan: a library that leaves out a process' same '["readdir"]' \
		"$(jq -c 'select(.rule.id == "hidden-process" and
		.process.pid == '$covered') | .tocsin.process.hidden_from' \
		$live/lied)"
	HIDE=none LD_PRELOAD=$live/hide.so "$tocsin" scan \
		--only processes --format ndjson -o $live/lied 2>/dev/null
	is 'scan: one that does not' same '' "$(jq -c 'select(
		.process.pid == '$covered')' $live/lied)"
else
	skip 'scan: no compiler here'
fi

# ---- nobody is hidden on a busy host -----------------------------------------

(
	until [ -e $live/calm ]; do
		/bin/true &
		(/bin/true)
		wait
	done
) &
storm=$!
for i in 1 2 3; do
	"$tocsin" scan -q --only processes --format ndjson \
		-r /tocsin/rules/linux/hidden_process.yml
done >$live/busy
touch $live/calm
wait $storm
is 'scan: processes that come and go are not hidden' \
	same "$(jq -r 'select(.process.name != "sleep") | .process.pid' \
	$live/busy)" ''
kill "${pids[@]}" 2>/dev/null
