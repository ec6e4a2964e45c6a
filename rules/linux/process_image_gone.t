# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a program that was removed.
rule process-image-gone
base {"event.category": "process", "event.action": "already_running", "event.type": ["info", "start"], "host.os.type": "linux", "process.executable": "/usr/local/bin/x", "tocsin.process.image": "/usr/local/bin/x", "tocsin.process.nlink": 0, "tocsin.process.image_replaced": false}
+ removed
+ memfd {"process.executable": "memfd:x", "tocsin.process.image": "/memfd:x"}
+ tmp {"process.executable": "/tmp/x", "tocsin.process.image": "/tmp/x"}
+ called-like-an-engine {"tocsin.process.image": "/memfd:runc_cloned:/proc/self/exe", "process.executable": "/proc/self/fd/3", "process.name": "3"}

- upgraded {"tocsin.process.image_replaced": true}
- there {"tocsin.process.nlink": 1, "tocsin.process.image_replaced": null}
- nothing-known {"tocsin.process.nlink": null, "tocsin.process.image_replaced": null}
- container-engine {"tocsin.process.image": "/memfd:runc_cloned:/proc/self/exe", "process.executable": "/usr/bin/runc"}
- starts {"event.action": "exec"}
+ usr-bin {"process.executable": "/usr/bin/x", "tocsin.process.image": "/usr/bin/x"}
+ home {"tocsin.process.image": "/home/alice/x"}
- crun {"tocsin.process.image": "/memfd:runc_cloned:/usr/bin/crun", "process.executable": "/usr/bin/crun"}
