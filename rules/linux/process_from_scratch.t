# SPDX-License-Identifier: GPL-2.0-or-later
rule process-from-scratch
base {"event.category": "process", "event.action": "already_running", "event.type": ["info", "start"], "host.os.type": "linux", "process.executable": "/tmp/x", "tocsin.process.image": "/tmp/x", "tocsin.process.container": false}
+ tmp
+ var-tmp {"tocsin.process.image": "/var/tmp/a/x"}
+ shm {"tocsin.process.image": "/dev/shm/x"}
+ run-user {"tocsin.process.image": "/run/user/1000/x"}
+ hidden {"tocsin.process.image": "/usr/bin/.x"}
+ etc {"tocsin.process.image": "/etc/x"}
+ dev {"tocsin.process.image": "/dev/x"}
+ log {"tocsin.process.image": "/var/log/x"}

- usual {"tocsin.process.image": "/usr/bin/x"}
- script-in-tmp {"tocsin.process.image": "/usr/bin/dash"}
- home {"tocsin.process.image": "/home/alice/x"}
- container {"tocsin.process.container": true}
- app-image {"tocsin.process.image": "/tmp/.mount_x/usr/bin/x"}
- similar {"tocsin.process.image": "/tmpx/x"}
- starts {"event.action": "exec"}
