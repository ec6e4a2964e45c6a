# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a shell writes the configuration.
rule tocsin-changed
base {"event.category": "file", "event.action": "modification", "host.os.type": "linux", "process.entity_id": "x-1", "process.executable": "/usr/bin/bash", "file.path": "/etc/tocsin/tocsin.yaml", "tocsin.self.part": "configuration"}
+ configuration
+ program {"tocsin.self.part": "program"}
+ rules {"tocsin.self.part": "rules", "event.action": "creation"}
+ exceptions {"tocsin.self.part": "exceptions", "event.action": "rename"}
+ key {"tocsin.self.part": "key", "event.action": "deletion"}
+ unit {"tocsin.self.part": "unit"}
+ mode {"event.action": "attributes_modified"}
+ nobody-known {"process.executable": null, "process.entity_id": null}
+ state {"tocsin.self.part": "state"}
+ state-by-a-package {"tocsin.self.part": "state", "process.executable": "/usr/bin/dpkg"}
+ configuration-by-ourselves {"tocsin.self.program": true}
+ state-by-another-program {"tocsin.self.part": "state", "tocsin.self.program": false}
+ state-by-a-library {"tocsin.self.part": "state", "tocsin.self.program": true, "process.env_vars": ["HISTFILE=/x", "LD_PRELOAD=/tmp/x.so"]}
+ state-by-an-auditor {"tocsin.self.part": "state", "tocsin.self.program": true, "process.env_vars": "LD_AUDIT=/tmp/x.so"}
+ package-manager-elsewhere {"process.executable": "/tmp/dpkg"}

# near misses
- not-ours {"tocsin.self.part": null}
- upgrade {"process.executable": "/usr/bin/dpkg", "tocsin.self.part": "program"}
- state-by-ourselves {"tocsin.self.part": "state", "tocsin.self.program": true}
- state-by-ourselves-with-other-words {"tocsin.self.part": "state", "tocsin.self.program": true, "process.env_vars": "HISTFILE=/x"}
- state-by-nobody-known {"tocsin.self.part": "state", "process.entity_id": null, "process.executable": null}
- snapshot {"event.action": "snapshot"}
