# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a program in /dev/shm.
rule program-in-memory-folder
base {"event.category": "file", "event.action": "snapshot", "host.os.type": "linux", "file.type": "file", "file.path": "/dev/shm/x", "file.mode": "0644", "file.size": 9000, "tocsin.file.kind": "elf", "file.Ext.entropy": 5.9}
+ shm
+ shm-below {"file.path": "/dev/shm/a/b"}
+ run {"file.path": "/run/x"}
+ run-user {"file.path": "/run/user/1000/x"}
+ shm-script {"tocsin.file.kind": "script", "file.mode": "0755"}
+ tmp-hidden {"file.path": "/tmp/.x", "file.mode": "0755"}
+ tmp-hidden-folder {"file.path": "/tmp/.a/x", "file.mode": "0700"}
+ tmp-hidden-script {"file.path": "/var/tmp/.x", "file.mode": "0755", "tocsin.file.kind": "script"}
+ encrypted {"file.path": "/dev/shm/.x", "tocsin.file.kind": "data", "file.Ext.entropy": 7.9}
+ encrypted-run {"file.path": "/run/.x", "tocsin.file.kind": "data", "file.Ext.entropy": 7.2, "file.size": 1024}

# near misses
- shm-data {"tocsin.file.kind": "data", "file.Ext.entropy": 7.9}
- shm-script-not-to-run {"tocsin.file.kind": "script"}
- run-script {"file.path": "/run/x.sh", "tocsin.file.kind": "script", "file.mode": "0755"}
- tmp-plain {"file.path": "/tmp/x", "file.mode": "0755"}
- tmp-hidden-not-to-run {"file.path": "/tmp/.x.so", "file.mode": "0644"}
- small {"file.path": "/dev/shm/.x", "tocsin.file.kind": "data", "file.Ext.entropy": 7.9, "file.size": 1023}
- ordered {"file.path": "/dev/shm/.x", "tocsin.file.kind": "data", "file.Ext.entropy": 7.1}
- x-lock {"file.path": "/tmp/.X0-lock", "tocsin.file.kind": "text", "file.size": 11, "file.Ext.entropy": 2.0}
- initramfs {"file.path": "/run/initramfs/bin/x"}
- container {"file.path": "/run/containerd/io.containerd.runtime.v2.task/moby/a/rootfs/bin/x"}
- app-image {"file.path": "/tmp/.mount_x/usr/bin/x", "file.mode": "0755"}
- folder {"file.type": "dir"}
- not-by-a-scan {"event.action": "creation"}
