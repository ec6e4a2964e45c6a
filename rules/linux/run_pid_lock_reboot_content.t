# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a pid file whose content is a program.
rule run-pid-lock-reboot-content
base {"event.category": "file", "event.action": "creation", "host.os.type": "linux", "process.executable": "/usr/sbin/x", "file.path": "/run/x.pid", "file.type": "file", "file.mode": "0644", "file.size": 9000, "tocsin.file.kind": "elf", "tocsin.pidfile.valid": false, "file.Ext.entropy": 5.9}
+ elf
+ script {"tocsin.file.kind": "script", "file.size": 30, "file.Ext.entropy": 4.1}
+ lock-script {"file.path": "/run/x.lock", "tocsin.file.kind": "script", "file.size": 30, "file.Ext.entropy": 4.1, "tocsin.pidfile.valid": null}
+ lock-elf {"file.path": "/run/lock/x.lock", "tocsin.pidfile.valid": null}
+ reboot-elf {"file.path": "/var/run/x.reboot", "tocsin.pidfile.valid": null}
+ renamed {"event.action": "rename"}
+ modified {"event.action": "modification"}
+ found-by-a-scan {"event.action": "snapshot"}
+ entropy {"file.path": "/run/x.lock", "tocsin.file.kind": "data", "tocsin.pidfile.valid": null, "file.Ext.entropy": 7.2, "file.size": 4096}
+ entropy-exactly {"file.path": "/run/x.lock", "tocsin.file.kind": "data", "tocsin.pidfile.valid": null, "file.Ext.entropy": 7.0, "file.size": 4096}
+ mode-0755 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0755"}
+ mode-0744 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0744"}
+ mode-0711 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0711"}
+ mode-4755 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "4755"}
+ mode-0100 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0100"}
+ mode-0300 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0300"}
+ mode-0500 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0500"}
+ mode-0700 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0700"}
+ mode-0010 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0010"}
+ mode-0030 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0030"}
+ mode-0050 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0050"}
+ mode-0070 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0070"}
+ mode-0001 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0001"}
+ mode-0003 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0003"}
+ mode-0005 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0005"}
+ mode-0007 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0007"}
+ chmod {"event.action": "attributes_modified", "tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0755"}
+ no-integer {"tocsin.file.kind": "text", "file.size": 20, "file.Ext.entropy": 3.0}
+ two-integers {"tocsin.file.kind": "text", "file.size": 9, "file.Ext.entropy": 3.0, "event.action": "modification"}
+ sendmail-elf {"file.path": "/run/sendmail/mta/sendmail.pid"}

# near misses
- valid {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0}
- valid-modified {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "event.action": "modification"}
- empty-at-first {"tocsin.file.kind": "empty", "tocsin.pidfile.valid": false, "file.size": 0, "file.Ext.entropy": null}
- lock-empty {"file.path": "/run/lock/x.lock", "tocsin.file.kind": "empty", "tocsin.pidfile.valid": null, "file.size": 0, "file.Ext.entropy": null}
- lock-text {"file.path": "/run/x.lock", "tocsin.file.kind": "text", "tocsin.pidfile.valid": null, "file.size": 40, "file.Ext.entropy": 4.0}
- small-and-random {"file.path": "/run/x.lock", "tocsin.file.kind": "data", "tocsin.pidfile.valid": null, "file.size": 63, "file.Ext.entropy": 7.0}
- entropy-low {"file.path": "/run/x.lock", "tocsin.file.kind": "data", "tocsin.pidfile.valid": null, "file.size": 4096, "file.Ext.entropy": 6.99}
- mode-0640 {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "0640"}
- mode-sticky {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "1644"}
- mode-setgid {"tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0, "file.mode": "2664"}
- sendmail {"file.path": "/run/sendmail/mta/sendmail.pid", "tocsin.file.kind": "text", "file.size": 60, "file.Ext.entropy": 4.0}
- sendmail-var-run {"file.path": "/var/run/sendmail/mta/sendmail.pid", "tocsin.file.kind": "text", "file.size": 60, "file.Ext.entropy": 4.0}
- container-podman {"file.path": "/run/containers/storage/overlay/a/merged/x.lock"}
- container-k3s {"file.path": "/run/k3s/containerd/a/rootfs/x.lock"}
- elsewhere {"file.path": "/var/lib/x.pid"}
- other-extension {"file.path": "/run/x.sock"}
- deleted {"event.action": "deletion"}
- folder {"file.type": "dir", "tocsin.file.kind": null, "tocsin.pidfile.valid": null, "file.mode": "0755", "file.path": "/run/x.lock"}
- link {"file.type": "symlink", "tocsin.file.kind": null, "tocsin.pidfile.valid": null, "file.mode": "0777"}
- gone-before-it-was-read {"file.type": null, "tocsin.file.kind": null, "tocsin.pidfile.valid": null, "file.size": null, "file.Ext.entropy": null, "file.mode": null}
- container {"file.path": "/run/containerd/io.containerd.runtime.v2.task/moby/a/rootfs/usr/lib/node/x.lock"}
- container-init {"file.path": "/run/containerd/io.containerd.runtime.v2.task/moby/a/init.pid", "tocsin.file.kind": "text", "tocsin.pidfile.valid": true, "file.size": 5, "file.Ext.entropy": 2.0}
- user-container {"file.path": "/run/user/1000/containers/overlay/x.lock"}
