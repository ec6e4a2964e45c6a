# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a program with a capability that no package has.
rule file-capabilities-outside-packages
base {"event.category": "file", "event.action": "snapshot", "host.os.type": "linux", "file.type": "file", "file.path": "/usr/local/bin/helper", "file.mode": "0755", "tocsin.package.digest_matches": false, "tocsin.file.capabilities": ["CAP_NET_BIND_SERVICE"]}
+ unknown
+ several {"tocsin.file.capabilities": ["CAP_NET_ADMIN", "CAP_SETUID"]}
+ python {"file.path": "/usr/bin/python3.11", "tocsin.package.digest_matches": true, "tocsin.file.capabilities": ["CAP_SETUID"]}
+ tar {"file.path": "/usr/bin/tar", "tocsin.package.digest_matches": true, "tocsin.file.capabilities": ["CAP_NET_RAW", "CAP_DAC_READ_SEARCH"]}
+ no-package-manager {"file.path": "/opt/x/y", "tocsin.package.digest_matches": null}

# near misses
- ping {"file.path": "/usr/bin/ping", "tocsin.package.digest_matches": true, "tocsin.file.capabilities": ["CAP_NET_RAW"]}
- newuidmap {"file.path": "/usr/bin/newuidmap", "tocsin.package.digest_matches": true, "tocsin.file.capabilities": ["CAP_SETUID"]}
- tool-with-a-harmless-one {"file.path": "/usr/bin/nmap", "tocsin.package.digest_matches": true, "tocsin.file.capabilities": ["CAP_NET_RAW"]}
- none {"tocsin.file.capabilities": null}
- cannot-be-run {"file.mode": "0644"}
- no-package-manager-usual-place {"file.path": "/usr/bin/ping", "tocsin.package.digest_matches": null}
- not-by-a-scan {"event.action": "attributes_modified"}
+ of-a-package-but-changed {"file.path": "/usr/bin/ping", "tocsin.package.name": "iputils-ping"}
