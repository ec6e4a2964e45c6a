# SPDX-License-Identifier: GPL-2.0-or-later
rule hidden-process
base {"event.category": "process", "event.action": "already_running", "event.type": ["info", "start"], "host.os.type": "linux", "process.executable": "/usr/bin/x", "process.pid": 7, "tocsin.process.hidden_from": ["listing"]}
+ listing
+ mount {"tocsin.process.hidden_from": ["mount"]}
+ several {"tocsin.process.hidden_from": ["readdir", "listing", "lookup"]}
+ nothing-else-known {"process.executable": null}

- seen {"tocsin.process.hidden_from": null}
- starts {"event.action": "exec"}
+ readdir {"tocsin.process.hidden_from": ["readdir"]}
+ cgroup {"tocsin.process.hidden_from": ["lookup"]}
+ thread-of-the-kernel {"tocsin.process.kernel_thread": true}
- forks {"event.action": "fork"}
- ends {"event.action": "end"}
- changes-user {"event.action": "uid_change"}
- file {"event.category": "file", "event.action": "snapshot"}
