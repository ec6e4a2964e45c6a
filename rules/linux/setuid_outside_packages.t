# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a setuid program that no package has.
rule setuid-outside-packages
base {"event.category": "file", "event.action": "snapshot", "host.os.type": "linux", "file.type": "file", "file.path": "/usr/local/bin/helper", "file.mode": "4755", "tocsin.package.digest_matches": false}
+ unknown
+ changed {"file.path": "/usr/bin/passwd", "tocsin.package.name": "passwd"}
+ setuid-and-setgid {"file.mode": "6711"}
+ sticky-as-well {"file.mode": "5755"}
+ all-three {"file.mode": "7755"}
+ setgid {"file.mode": "2755"}
+ setgid-odd {"file.mode": "3010"}
+ find-of-a-package {"file.path": "/usr/bin/find", "tocsin.package.digest_matches": true}
+ bash-of-a-package {"file.path": "/usr/bin/bash", "tocsin.package.digest_matches": true}
+ python-of-a-package {"file.path": "/usr/bin/python3.11", "tocsin.package.digest_matches": true}
+ no-package-manager {"file.path": "/home/alice/x", "tocsin.package.digest_matches": null}
+ no-package-manager-tmp {"file.path": "/tmp/x", "tocsin.package.digest_matches": null}
+ no-package-manager-vim {"file.path": "/usr/bin/vim.basic", "tocsin.package.digest_matches": null}

# near misses
- of-a-package {"file.path": "/usr/bin/passwd", "tocsin.package.digest_matches": true}
- chsh-of-a-package {"file.path": "/usr/bin/chsh", "tocsin.package.digest_matches": true}
- setgid-of-a-package {"file.path": "/usr/bin/chage", "file.mode": "2755", "tocsin.package.digest_matches": true}
- setgid-tool-of-a-package {"file.path": "/usr/bin/ssh", "file.mode": "2755", "tocsin.package.digest_matches": true}
- no-package-manager-usual-place {"file.path": "/usr/bin/su", "tocsin.package.digest_matches": null}
- plain {"file.mode": "0755"}
- sticky {"file.mode": "1755"}
- old-lock {"file.mode": "2644"}
- folder {"file.type": "dir", "file.mode": "2775"}
- not-by-a-scan {"event.action": "creation"}
