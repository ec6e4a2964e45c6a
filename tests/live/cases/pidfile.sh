# SPDX-License-Identifier: GPL-2.0-or-later
# PID, lock and reboot files that shells, editors or programs from places
# where no program belongs create under /run.
. /tocsin/tests/live/lib.sh
rule=$(rule_id run_pid_lock_reboot_created) rule_short=pid
watch_start --record $trace

mkdir -p /run/alice /run/deep/er
chown 1000 /run/alice
head -c 3000 /dev/urandom >$live/noise
printf '4242\n' >$live/number

alert touch bash root 'touch makes a .pid in /run' 'by touch /run/$T.pid'
alert touch bash root 'a .lock, under the name /var/run' 'by touch /var/run/$T.lock'
alert touch bash root 'a .reboot' 'by touch /run/$T.reboot'
alert touch bash root 'below a folder' 'by touch /run/deep/er/$T.pid'
alert_new touch bash root 'below a folder made this instant' 'by mkdir -p /run/$T/a/b; by touch /run/$T/a/b/x.pid'
alert_new touch bash root 'below a folder made while the watcher stood still' 'kill -STOP $watcher; by mkdir -p /run/$T/a/b; by touch /run/$T/a/b/x.pid; kill -CONT $watcher'
alert bash bash root 'a shell redirects' 'self; echo 1 >/run/$T.pid'
alert cp bash root 'cp brings random bytes' 'by cp $live/noise /run/$T.pid'
alert cp bash root 'cp brings a program' 'by cp $act /var/run/$T.lock'
alert mv bash root 'mv from another file system' 'cp $live/number $live/$T; by mv $live/$T /run/$T.pid'
alert sh bash root 'sh runs a script' 'echo "echo 7 >/run/$T.pid" >$live/$T.sh; by sh $live/$T.sh'
for name in dash tcsh csh zsh ksh fish ash nano vim vi editor; do
	alert $name bash root "name in the list: $name" "as $bin/$name create /run/\$T.pid 12"
done
for place in /tmp /var/tmp /dev/shm /var/run /run /boot /srv; do
	alert implant bash root "program in $place" "as $place/implant create /run/\$T.lock 13"
done
alert implant bash root 'program far below /tmp' 'as /tmp/a/.b/implant create /run/$T.lock 13'
alert relative bash root 'program given as ./' 'actor $bin/relative; cd $bin; as ./relative create /run/$T.pid 14'
alert implant bash root 'a file without a name gets one' 'as /tmp/implant tmpfile /run/$T.pid 15'
alert implant bash root 'a hard link' 'echo 1 >/run/$T; as /tmp/implant link /run/$T /run/$T.pid'
alert implant bash root 'a symbolic link' 'as /tmp/implant symlink /etc/passwd /run/$T.pid'
alert implant bash alice 'an ordinary user' 'acts /tmp/implant "uid 1000" "create /run/alice/$T.pid 16"'
alert implant implant root 'by a fork that never called exec' 'acts /tmp/implant fork "create /run/$T.pid 17"'
alert touch bash root 'the same file twice by the same program: one' 'by touch /run/$T.pid; wait_until 5 grep -q /run/$T.pid $alerts; rm /run/$T.pid; by touch /run/$T.pid'
alert script.sh bash root 'a script in /tmp' 'actor $bin/interpreter; ACT=$(words create /run/$T.pid 18) script /tmp/script.sh "#!$bin/interpreter"'

# Exceptions: each would alert but for the name or place excepted.
for name in go git containerd containerd-shim snap-confine cron crond sshd \
	unattended-upgrade vzctl ifup rpcbind runc gitlab-runner-helper \
	elastic-agent metricbeat redis-server s6-ipcserver-socketbinder xinetd
do
	quiet "excepted name: $name" "as /tmp/$name create /run/\$T.pid 20"
done
for place in /tmp/newroot /run/containerd /run/k3s/containerd \
	/run/k0s/containerd /snap /vz /var/lib/docker \
	/etc/cpanel/universal-hooks/pkgs/mysql-community-server \
	/var/lib/snapd /etc/rubrik /run/udev/data
do
	quiet "excepted place: $place" "as $place/touch create /run/\$T.pid 21"
done
for file in jem.1.pid lynis.pid redis.pid yum.pid MFS.pid jenkins.pid \
	nvmupdate.pid openlitespeed.pid rhnsd.pid
do
	quiet "excepted file name: $file" "mkdir /run/\$T; by touch /run/\$T/$file"
done
quiet 'excepted path: /run/containerd/*' 'mkdir -p /run/containerd; by touch /run/containerd/$T.pid'
quiet 'excepted path: /var/run/docker/containerd/*' 'mkdir -p /run/docker/containerd; by touch /var/run/docker/containerd/$T.lock'
quiet 'excepted path: /var/run/jem*.pid' 'by touch /var/run/jem$T.pid'

quiet 'another extension' 'by touch /run/$T.pid2'
quiet 'an extension in capitals' 'by touch /run/$T.PID'
quiet 'no extension' 'by touch /run/pid'
quiet 'another folder' 'mkdir -p /var/runs; by touch /var/runs/$T.pid /tmp/$T.pid'
quiet 'a daemon with its own name' 'as /usr/sbin/exampled create /run/$T.pid 22'
quiet 'a name that only begins like one of the list' 'as $bin/touchy create /run/$T.pid 22'
quiet 'a name in capitals' 'as $bin/TOUCH create /run/$T.pid 22'
quiet 'a place that only begins like one of the list' 'as /tmpx/implant create /run/$T.pid 22'
quiet 'a rename is no creation' 'as $bin/exampled create /run/$T 22; by mv /run/$T /run/$T.pid'
quiet 'writing to a file that is there' 'as $bin/exampled create /run/$T.pid 22; self; echo 23 >>/run/$T.pid'
quiet 'touching a file that is there' 'as $bin/exampled create /run/$T.pid 22; by touch /run/$T.pid'
quiet 'removing one' 'as $bin/exampled create /run/$T.pid 22; by bash -c "rm /run/$T.pid"'
quiet 'a folder called .pid, made by mkdir' 'by mkdir /run/$T.pid'
quiet 'in a shell, but by another program' 'bash -c "$bin/exampled /run/$T.pid"; as $bin/exampled create /run/$T.pid 24'
alert touch bash root 'the last, when all before it was looked at' 'by touch /run/$T.pid'

check_table
check_replay
