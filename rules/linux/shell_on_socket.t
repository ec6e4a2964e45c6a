# SPDX-License-Identifier: GPL-2.0-or-later
# Base: bash finds a connection on its standard input.
rule shell-on-socket
base {"event.category": "network", "event.action": "connection_attempted", "host.os.type": "linux", "process.executable": "/usr/bin/bash", "tocsin.process.image": "/usr/bin/bash", "tocsin.network.inherited": true, "destination.ip": "198.51.100.1", "tocsin.process.socket_fds": [0, 1, 2]}
+ bash
+ sh {"process.executable": "/bin/sh", "tocsin.process.image": "/usr/lib/klibc/x"}
+ dash {"process.executable": "/bin/dash", "tocsin.process.image": "/usr/lib/klibc/x"}
+ tcsh {"process.executable": "/bin/tcsh", "tocsin.process.image": "/usr/lib/klibc/x"}
+ csh {"process.executable": "/bin/csh", "tocsin.process.image": "/usr/lib/klibc/x"}
+ zsh {"process.executable": "/bin/zsh", "tocsin.process.image": "/usr/lib/klibc/x"}
+ ksh {"process.executable": "/bin/ksh", "tocsin.process.image": "/usr/lib/klibc/x"}
+ fish {"process.executable": "/bin/fish", "tocsin.process.image": "/usr/lib/klibc/x"}
+ ash {"process.executable": "/bin/ash", "tocsin.process.image": "/usr/lib/klibc/x"}
+ mksh {"process.executable": "/bin/mksh", "tocsin.process.image": "/usr/lib/klibc/x"}
+ busybox {"process.executable": "/bin/busybox", "tocsin.process.image": "/usr/lib/klibc/x"}
+ rbash {"process.executable": "/bin/rbash", "tocsin.process.image": "/usr/lib/klibc/x"}
+ image-dash {"process.executable": "/tmp/x", "tocsin.process.image": "/bin/dash"}
+ image-tcsh {"process.executable": "/tmp/x", "tocsin.process.image": "/bin/tcsh"}
+ image-csh {"process.executable": "/tmp/x", "tocsin.process.image": "/bin/csh"}
+ image-zsh {"process.executable": "/tmp/x", "tocsin.process.image": "/bin/zsh"}
+ image-fish {"process.executable": "/tmp/x", "tocsin.process.image": "/bin/fish"}
+ image-mksh {"process.executable": "/tmp/x", "tocsin.process.image": "/bin/mksh"}
+ image-busybox {"process.executable": "/tmp/x", "tocsin.process.image": "/bin/busybox"}
+ loopback {"destination.ip": "127.0.0.1"}
+ accepted {"event.action": "connection_accepted"}
+ another-name {"process.executable": "/tmp/x", "tocsin.process.image": "/usr/bin/bash"}
+ ksh93 {"process.executable": "/tmp/x", "tocsin.process.image": "/usr/bin/ksh93"}

# near misses
- own-connection {"tocsin.network.inherited": false}
- own-connection-unmarked {"tocsin.network.inherited": null}
- cat {"process.executable": "/usr/bin/cat", "tocsin.process.image": "/usr/bin/cat"}
- script-of-inetd {"process.executable": "/usr/local/sbin/fingerd", "tocsin.process.image": "/usr/bin/dash", "tocsin.process.interpreter": "/bin/sh"}
- git-daemon {"process.executable": "/usr/lib/git-core/git-daemon", "tocsin.process.image": "/usr/lib/git-core/git-daemon"}
- sshd {"process.executable": "/usr/sbin/sshd", "tocsin.process.image": "/usr/sbin/sshd"}
- disconnect {"event.action": "disconnect_received"}
- process-event {"event.category": "process", "event.action": "exec", "tocsin.network.inherited": null}
- python {"process.executable": "/usr/bin/python3", "tocsin.process.image": "/usr/bin/python3.11"}
- name-that-ends-alike {"process.executable": "/usr/bin/mybash", "tocsin.process.image": "/usr/bin/mybash"}
- other-system {"host.os.type": "macos"}
- systemd-socket-service {"process.executable": "/usr/lib/x/daemon", "tocsin.process.image": "/usr/lib/x/daemon"}
