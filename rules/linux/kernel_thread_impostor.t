# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a program whose argv[0] is [kworker/0:1].
rule kernel-thread-impostor
base {"event.category": "process", "event.action": "already_running", "event.type": ["info", "start"], "host.os.type": "linux", "process.executable": "/usr/local/bin/x", "tocsin.process.image": "/usr/local/bin/x", "tocsin.process.kernel_thread": false, "process.command_line": "[kworker/0:1]", "process.args": ["[kworker/0:1]"], "tocsin.process.comm": "x"}
+ kworker
+ unbound {"process.command_line": "[kworker/u8:2-events_unbound]"}
+ migration {"process.command_line": "[migration/0]"}
+ kthreadd {"process.command_line": "[kthreadd]"}
+ by-comm {"process.command_line": "/usr/local/bin/x -d", "tocsin.process.comm": "kworker/1:2"}
+ by-comm-in-brackets {"process.command_line": "", "tocsin.process.comm": "[kworker/1:2]"}

- kernel {"tocsin.process.kernel_thread": true, "process.command_line": null, "tocsin.process.image": null, "tocsin.process.comm": "kworker/0:1"}
- zombie {"tocsin.process.image": null, "process.command_line": null, "tocsin.process.comm": "kworker/0:1"}
- title {"process.command_line": "[celeryd: celery@host:MainProcess] -active- (worker)"}
- title-in-the-middle {"process.command_line": "postgres: x y 10.0.0.1 [local]"}
- test {"process.command_line": "[ -e /tmp/x ]"}
- pam {"process.command_line": "(sd-pam)"}
- usual {"process.command_line": "/usr/local/bin/x"}
- starts {"event.action": "exec"}
