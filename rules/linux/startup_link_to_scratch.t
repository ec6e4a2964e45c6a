# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a unit that is a link into /tmp.
rule startup-link-to-scratch
base {"event.category": "file", "event.action": "snapshot", "host.os.type": "linux", "file.type": "symlink", "file.path": "/etc/systemd/system/x.service", "file.target_path": "/tmp/x.service"}
+ unit
+ made {"event.action": "creation", "process.executable": "/usr/bin/systemctl"}
+ moved {"event.action": "rename"}
+ shm {"file.target_path": "/dev/shm/x"}
+ var-tmp {"file.path": "/etc/cron.hourly/x", "file.target_path": "/var/tmp/x"}
+ motd {"file.path": "/etc/update-motd.d/99-x"}
+ person {"file.path": "/home/alice/.config/systemd/user/x.service"}

# near misses
- masked {"file.target_path": "/dev/null"}
- enabled {"file.target_path": "/usr/lib/systemd/system/x.service"}
- alternative {"file.path": "/etc/alternatives/x"}
- no-link {"file.type": "file", "file.target_path": null}
- removed {"event.action": "deletion"}
- into-opt {"file.target_path": "/opt/x/x.service"}
