# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a shell makes a new script.
rule motd-script-changed
base {"event.category": "file", "event.action": "creation", "host.os.type": "linux", "process.executable": "/usr/bin/bash", "file.path": "/etc/update-motd.d/99-x", "file.mode": "0644"}
+ creation
+ modification {"event.action": "modification"}
+ rename {"event.action": "rename"}
+ chmod {"event.action": "attributes_modified", "file.mode": "0755"}
+ vim {"process.executable": "/usr/bin/vim"}
+ cp {"process.executable": "/usr/bin/cp"}
+ unknown-process {"process.executable": null, "process.name": null}
+ dotted-name {"file.path": "/etc/update-motd.d/10-a.sh"}
+ dpkg-elsewhere {"process.executable": "/tmp/dpkg"}
+ below-apt {"tocsin.process.ancestors.executable": ["/usr/bin/apt", "/usr/bin/bash"]}

# near misses
- by-usr-bin-dpkg {"process.executable": "/usr/bin/dpkg"}
- by-bin-dpkg {"process.executable": "/bin/dpkg"}
- by-usr-bin-rpm {"process.executable": "/usr/bin/rpm"}
- by-usr-bin-dnf {"process.executable": "/usr/bin/dnf"}
- by-usr-bin-pacman {"process.executable": "/usr/bin/pacman"}
- by-sbin-apk {"process.executable": "/sbin/apk"}
- by-usr-bin-puppet {"process.executable": "/usr/bin/puppet"}
- by-usr-bin-chef-client {"process.executable": "/usr/bin/chef-client"}
- postinst {"process.executable": "/var/lib/dpkg/info/base-files.postinst"}
- below-postinst {"process.executable": "/usr/bin/ucf", "tocsin.process.ancestors.executable": ["/var/lib/dpkg/info/x.postinst", "/usr/bin/dpkg"]}
- nix {"process.executable": "/nix/store/x/bin/install"}
- extension-swp {"file.path": "/etc/update-motd.d/10-uname.swp"}
- extension-swpx {"file.path": "/etc/update-motd.d/10-uname.swpx"}
- extension-swx {"file.path": "/etc/update-motd.d/10-uname.swx"}
- extension-swo {"file.path": "/etc/update-motd.d/10-uname.swo"}
- extension-dpkg-new {"file.path": "/etc/update-motd.d/10-uname.dpkg-new"}
- extension-dpkg-tmp {"file.path": "/etc/update-motd.d/10-uname.dpkg-tmp"}
- extension-dpkg-old {"file.path": "/etc/update-motd.d/10-uname.dpkg-old"}
- extension-dpkg-dist {"file.path": "/etc/update-motd.d/10-uname.dpkg-dist"}
- extension-dpkg-remove {"file.path": "/etc/update-motd.d/10-uname.dpkg-remove"}
- extension-dpkg-bak {"file.path": "/etc/update-motd.d/10-uname.dpkg-bak"}
- extension-ucf-new {"file.path": "/etc/update-motd.d/10-uname.ucf-new"}
- extension-ucf-old {"file.path": "/etc/update-motd.d/10-uname.ucf-old"}
- extension-ucf-dist {"file.path": "/etc/update-motd.d/10-uname.ucf-dist"}
- chmod-without-x {"event.action": "attributes_modified", "file.mode": "0644"}
- deletion {"event.action": "deletion"}
- elsewhere {"file.path": "/etc/motd"}
- run {"file.path": "/run/motd.dynamic"}
