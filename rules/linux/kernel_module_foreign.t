# SPDX-License-Identifier: GPL-2.0-or-later
# Base: insmod brings an unsigned module from outside the tree.
rule kernel-module-foreign
base {"event.category": ["process", "driver"], "event.type": "start", "event.action": "load_module", "host.os.type": "linux", "process.executable": "/usr/sbin/insmod", "process.args": ["insmod", "/root/x.ko"], "process.Ext.load_module.name": "x", "process.Ext.load_module.taint_flags": ["out-of-tree", "unsigned"]}
+ insmod
+ out-of-tree {"process.Ext.load_module.taint_flags": ["out-of-tree"]}
+ unsigned {"process.Ext.load_module.taint_flags": ["unsigned"]}
+ proprietary {"process.Ext.load_module.taint_flags": ["proprietary", "out-of-tree"]}
+ loader-of-its-own {"process.executable": "/tmp/loader"}
+ modprobe-elsewhere {"process.executable": "/tmp/modprobe"}
+ unknown-process {"process.executable": null}
+ forced {"process.executable": "/usr/sbin/modprobe", "process.Ext.load_module.taint_flags": ["forced"]}

# near misses
- dkms {"process.executable": "/sbin/modprobe"}
- udev {"process.executable": "/usr/lib/systemd/systemd-udevd"}
- modules-load {"process.executable": "/usr/lib/systemd/systemd-modules-load"}
- init {"process.executable": "/usr/lib/systemd/systemd"}
- of-this-kernel {"process.Ext.load_module.taint_flags": null}
- staging {"process.Ext.load_module.taint_flags": ["staging"]}
- exec {"event.action": "exec", "process.Ext.load_module.taint_flags": null}
- other-system {"host.os.type": "windows"}
