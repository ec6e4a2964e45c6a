# SPDX-License-Identifier: GPL-2.0-or-later
# systemd timers that appear in any of the folders systemd reads.
. /tocsin/tests/live/lib.sh
rule=$(rule_id systemd_timer_created) rule_short=tim
# There before the watcher: it need not find it in time.
mkdir -p /home/alice/.config/systemd/user
chown -R 1000:1000 /home/alice
watch_start --record $trace
system=/etc/systemd/system

cat >$live/unit <<'END'
[Unit]
Description=nightly
[Timer]
OnCalendar=daily
Unit=example.service
[Install]
WantedBy=timers.target
END
actor $bin/editing

for place in /etc/systemd/system /etc/systemd/user \
	/usr/local/lib/systemd/system /lib/systemd/system \
	/usr/lib/systemd/system /usr/lib/systemd/user \
	/home/bob/.config/systemd/user /home/bob/.local/share/systemd/user \
	/root/.config/systemd/user /root/.local/share/systemd/user
do
	# Some are there already.
	[ -d $place ] && verb=alert || verb=alert_new
	$verb cp bash root "cp to $place" "mkdir -p $place; by cp $live/unit $place/\$T.timer"
done
alert touch bash root 'touch' 'by touch $system/$T.timer'
alert bash bash root 'a shell redirects' 'self; echo "[Timer]" >$system/$T.timer'
alert tee bash root 'tee' 'by tee $system/$T.timer <$live/unit'
alert mv bash root 'mv within the folder' 'cp $live/unit $system/$T.tmp; by mv $system/$T.tmp $system/$T.timer'
alert mv bash root 'mv from another file system' 'cp $live/unit /run/$T; by mv /run/$T $system/$T.timer'
alert mv bash root 'mv from an unwatched folder' 'cp $live/unit /opt/$T; by mv /opt/$T $system/$T.timer'
alert_new ln bash root 'ln -s, as systemctl enable does' 'mkdir -p $system/timers.target.wants; by ln -s ../$T.timer $system/timers.target.wants/$T.timer'
alert ln bash root 'a hard link' 'cp $live/unit $system/$T.x; by ln $system/$T.x $system/$T.timer'
alert editing bash root 'a file without a name gets one' 'as $bin/editing tmpfile $system/$T.timer hello'
alert editing bash alice "a user's own timer" 'acts $bin/editing "uid 1000" "create /home/alice/.config/systemd/user/$T.timer x"'
alert_new editing bash root 'a home made this instant' 'mkdir -p /home/$T/.config/systemd/user; as $bin/editing create /home/$T/.config/systemd/user/$T.timer x'
alert sed bash root 'sed, but not its temporary file' 'as $bin/sed create $system/$T.timer x'
alert perl bash root 'perl, but not e2scrub' 'as $bin/perl create $system/$T.timer x'
alert dpkg bash root 'a dpkg that is not in /usr/bin' 'as /opt/dpkg create $system/$T.timer x'
alert dpkg-evil bash root 'a name that begins like dpkg' 'as /usr/bin/dpkg-evil create $system/$T.timer x'
alert crio2 bash root 'a name that begins like crio' 'as $bin/crio2 create $system/$T.timer x'
alert vmis bash root 'in /tmp, but not vmis.*' 'as /tmp/vmis create $system/$T.timer x'
alert mv bash root 'from a name that is not dpkg-new' 'touch $system/$T.timer.dpkg-old; by mv $system/$T.timer.dpkg-old $system/$T.timer'
alert editing editing root 'by a fork that never called exec' 'acts $bin/editing fork "create $system/$T.timer x"'
alert_new vim bash root 'below a drop-in folder' 'mkdir -p $system/$T.timer.d; as $bin/vim create $system/$T.timer.d/$T.timer x'

for exe in {,/usr}/bin/{dpkg,dockerd,microdnf,rpm,snapd,yum,dnf,podman} \
	/usr/sbin/dockerd {,/usr}/bin/{dnf-automatic,pacman,dpkg-divert} \
	{,/usr,/usr/local}/sbin/apk /usr/bin/apt /usr/sbin/pacman \
	{,/usr}/bin/{puppet,chef-client,autossl_check,pamac-daemon} \
	/opt/puppetlabs/puppet/bin/{puppet,ruby} /usr/lib/snapd/snapd \
	/usr/local/bin/dockerd /usr/bin/crio /usr/sbin/crond \
	/usr/libexec/platform-python /kaniko/kaniko-executor /bin/install
do
	quiet "excepted program: $exe" "as $exe create $system/\$T.timer x"
done
for name in python python3 python3.11 crio apt-get install snapd cloudflared \
	sshd convert-usrmerge docker-init google_metadata_script_runner
do
	quiet "excepted name: $name" "as $bin/$name create $system/\$T.timer x"
done
for place in /nix/store/abc /var/lib/dpkg/info /tmp/vmis.x /snap/core \
	/usr/lib/virtualbox
do
	quiet "excepted place: $place" "as $place/editing create $system/\$T.timer x"
done
quiet 'excepted program: /proc/self/exe' 'ACT_1=$(words create $system/$T.timer x) as $bin/editing exec /proc/self/exe editing'
quiet 'excepted program: /dev/fd/N' 'ACT_1=$(words create $system/$T.timer x) as $bin/editing fexec $bin/editing editing'
quiet 'excepted: nobody knows the program' 'echo $system/$T.timer >$live/outside; wait_until 5 [ -s $system/$T.timer ] || echo act: outside did nothing'
quiet 'excepted: renamed from dpkg-new' 'touch $system/$T.timer.dpkg-new; by mv $system/$T.timer.dpkg-new $system/$T.timer'
quiet "excepted: sed's temporary file" 'as $bin/sed create $system/sed$T.timer x'
quiet "excepted: e2scrub's temporary file" 'as $bin/perl create $system/e2scrub_all.tmp$T.timer x'
for extension in swp swpx swx dpkg-remove; do
	quiet "excepted extension: $extension" "as $bin/vim create $system/.\$T.timer.$extension x"
done

quiet 'a service' 'by cp $live/unit $system/$T.service'
quiet 'an extension in capitals' 'by touch $system/$T.TIMER'
quiet 'no extension' 'by touch $system/timer'
quiet 'another folder of /etc' 'mkdir -p /etc/systemd/network; by touch /etc/systemd/network/$T.timer /etc/$T.timer'
quiet 'another folder of a home' 'mkdir -p /home/bob/.config/other; by touch /home/bob/.config/other/$T.timer /home/bob/$T.timer'
quiet 'writing to one that is there' 'as /usr/bin/dpkg create $system/$T.timer x; self; echo y >>$system/$T.timer'
quiet 'removing one' 'as /usr/bin/dpkg create $system/$T.timer x; by rm $system/$T.timer'
quiet 'renaming one away' 'as /usr/bin/dpkg create $system/$T.timer x; by mv $system/$T.timer $system/$T.old'
quiet 'moving one out of the folder' 'as /usr/bin/dpkg create $system/$T.timer x; by mv $system/$T.timer /opt/'
quiet 'chmod of one' 'as /usr/bin/dpkg create $system/$T.timer x; by chmod 600 $system/$T.timer'
quiet 'reading one' 'as /usr/bin/dpkg create $system/$T.timer x; by cat $system/$T.timer'
quiet 'a failed creation' 'by mkdir $system/$T; by touch $system/$T/no/$T.timer'

check_table
check_replay
