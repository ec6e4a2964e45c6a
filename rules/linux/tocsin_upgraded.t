# SPDX-License-Identifier: GPL-2.0-or-later
# Base: dpkg brings a new program.
rule tocsin-upgraded
base {"event.category": "file", "event.action": "rename", "host.os.type": "linux", "process.entity_id": "x-1", "process.executable": "/usr/bin/dpkg", "file.path": "/usr/sbin/tocsin", "tocsin.self.part": "program"}
+ program
+ unit {"tocsin.self.part": "unit"}
+ removed {"event.action": "deletion"}
+ rpm {"process.executable": "/usr/bin/rpm"}
+ dnf {"process.executable": "/usr/bin/dnf", "event.action": "creation"}
+ rules {"tocsin.self.part": "rules"}
+ configuration {"tocsin.self.part": "configuration"}
+ exceptions {"tocsin.self.part": "exceptions"}

# near misses
- by-hand {"process.executable": "/usr/bin/cp"}
- state {"tocsin.self.part": "state"}
- not-ours {"tocsin.self.part": null}
- dpkg-elsewhere {"process.executable": "/tmp/dpkg"}
- by-a-shell {"process.executable": "/usr/bin/bash"}
- nobody-known {"process.executable": null}
- snapshot {"event.action": "snapshot"}
