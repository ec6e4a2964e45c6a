# SPDX-License-Identifier: GPL-2.0-or-later
# Base: usermod -aG sudo eve.
rule privileged-group-joined
base {"event.category": "iam", "event.type": ["group", "change"], "event.action": "added-member-to-group", "event.outcome": "success", "host.os.type": "linux", "process.executable": "/usr/sbin/usermod", "process.args": ["usermod", "-aG", "sudo", "eve"], "user.name": "eve", "group.name": "sudo", "tocsin.process.ancestors.name": ["bash", "sshd", "systemd"]}
+ sudo
+ wheel {"group.name": "wheel"}
+ docker {"group.name": "docker", "process.executable": "/usr/bin/gpasswd"}
+ disk {"group.name": "disk"}
+ shadow {"group.name": "shadow"}
+ root {"group.name": "root"}
+ unknown-process {"process.executable": null, "tocsin.process.ancestors.name": null}

# near misses
- ordinary-group {"group.name": "users"}
- other-group {"group.name": "sudoku"}
- left {"event.action": "removed-member-from-group"}
- new-group {"event.action": "added-group-account-to"}
- failed {"event.outcome": "failure"}
- first-boot {"tocsin.process.ancestors.name": ["cloud-init", "systemd"]}
- message {"event.category": null, "event.action": "log_message"}
