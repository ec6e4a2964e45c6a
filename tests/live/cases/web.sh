# SPDX-License-Identifier: GPL-2.0-or-later
# Commands that a web server starts. PARENT is the server.
. /tocsin/tests/live/lib.sh
rule=$(rule_id web_server_command) rule_short=web
watch_start --record $trace
nginx=/usr/sbin/nginx

for server in /usr/{,local/}sbin/{nginx,apache,apache2,php,php-fpm8.2,lighttpd,hiawatha} \
	/usr/local/bin/caddy /usr/local/lsws/bin/lswsctrl \
	/opt/tomcat/bin/catalina.sh
do
	alert sh ${server##*/} root "$server" "starts $server -- $bin/sh -c id \$T"
done
for name in bash dash tcsh csh zsh ksh fish python3.11 php8.2 perl ruby lua5.4 \
	openssl nc netcat ncat telnet awk socat
do
	alert $name nginx root "program: $name" "starts $nginx -- $bin/$name -x whoami \$T"
done
for word in whoami id uname cat hostname ip curl wget pwd ls cd python3 php \
	perl ruby lua openssl nc netcat ncat telnet awk socat
do
	alert bash nginx root "argument: $word" "starts $nginx -- $bin/bash -c $word \$T"
done
alert python3 apache2 root 'its own name is an argument, too' 'starts /usr/sbin/apache2 -- $bin/python3 $T'
alert BASH nginx root 'names are compared without case' 'starts $nginx -- $bin/BASH -c ID $T'
alert sh nginx www-data 'as the server user' 'actor $bin/sh; acts $nginx "uid 33" "spawn $bin/sh sh -c id $T"'
alert perl catalina.sh root 'a server that is a script' 'actor $bin/perl; script /srv/tomcat/bin/catalina.sh "#!/bin/sh
$bin/perl -v $T perl; :"'
alert sh nginx root 'a worker, forked from the server' 'actor $bin/sh; acts $nginx fork "spawn $bin/sh sh -c whoami $T"'
alert sh nginx root 'a worker whose master is gone' 'actor $bin/sh; acts $nginx orphan "spawn $bin/sh sh -c whoami $T"; wait_until 5 grep -q "^$T .* sh\$" $ACT_LOG'

quiet 'excepted: phpquery' 'starts $nginx -- $bin/phpquery php whoami $T'
for server in /usr/bin/nginx /usr/sbin/nginx-debug /opt/nginx/sbin/nginx \
	/usr/bin/apache2 /usr/local/sbin/caddy /usr/bin/php \
	/opt/tomcat/catalina.sh /opt/bin/catalina.shx /usr/sbin/sshd
do
	quiet "not one of the servers: $server" "starts $server -- $bin/sh -c id \$T"
done
quiet 'not one of the programs: id itself' 'starts $nginx -- $bin/id $T'
quiet 'not one of the programs: logrotate' 'starts $nginx -- $bin/logrotate whoami $T'
quiet 'not one of the programs: perl5' 'starts $nginx -- $bin/perl5 whoami $T'
quiet 'not one of the programs: nc.openbsd' 'starts $nginx -- $bin/nc.openbsd ip $T'
quiet 'no such argument' 'starts $nginx -- $bin/sh -c "exit 0" $T'
quiet 'a word is part of an argument only' 'starts $nginx -- $bin/sh -c "whoami; uptime" $T'
quiet 'no arguments but a shell of another name' 'starts $nginx -- $bin/rbash whoami $T'
quiet 'a grandchild: a program stands between' 'actor $bin/env; actor $bin/sh; ACT_1=$(words spawn $bin/sh sh -c id $T) starts $nginx -- $bin/env $T'
quiet 'a fork without exec' 'acts $nginx fork'
quiet 'the same command by hand' 'actor $bin/sh; by $bin/sh -c id $T'
quiet 'the server is executed by a shell' 'actor $nginx; by $nginx whoami $T'
quiet 'the server executes itself anew' 'starts $nginx -- $nginx whoami $T'

check_table
check_replay
