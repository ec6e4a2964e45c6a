# SPDX-License-Identifier: GPL-2.0-or-later
# Base: the file names a library.
rule ld-so-preload
base {"event.category": "file", "event.action": "snapshot", "host.os.type": "linux", "file.type": "file", "file.path": "/etc/ld.so.preload", "file.size": 20, "tocsin.preload.libraries": ["/lib/libx.so"]}
+ found
+ made {"event.action": "creation", "process.executable": "/usr/bin/tee"}
+ moved {"event.action": "rename"}
+ written {"event.action": "modification"}

# near misses
- empty {"file.size": 0, "tocsin.preload.libraries": null}
- comments-only {"tocsin.preload.libraries": null}
- removed {"event.action": "deletion"}
- another-file {"file.path": "/etc/ld.so.conf"}
- elsewhere {"file.path": "/tmp/etc/ld.so.preload"}
+ several {"tocsin.preload.libraries": ["/lib/a.so", "/tmp/b.so"]}
+ relative {"tocsin.preload.libraries": ["b.so"]}
- chmod {"event.action": "attributes_modified"}
