# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a unit that anybody may write.
rule startup-file-writable
base {"event.category": "file", "event.action": "snapshot", "host.os.type": "linux", "file.type": "file", "file.path": "/etc/systemd/system/x.service", "file.mode": "0646", "file.uid": "0"}
+ unit
+ all-bits {"file.mode": "0777"}
+ write-only {"file.mode": "0602"}
+ write-and-run {"file.mode": "0603"}
+ folder {"file.type": "dir", "file.path": "/etc/cron.daily", "file.mode": "0777"}
+ folder-with-sticky-bit {"file.type": "dir", "file.path": "/etc/cron.daily", "file.mode": "1777"}
+ crontab {"file.path": "/etc/crontab", "file.mode": "0666"}
+ crontab-of-a-person {"file.path": "/var/spool/cron/crontabs/alice", "file.uid": "1000", "file.mode": "0666"}
+ program {"file.path": "/usr/local/bin/x", "file.mode": "0777"}
+ shadow {"file.path": "/etc/shadow", "file.mode": "0666"}
+ authorized-keys {"file.path": "/root/.ssh/authorized_keys", "file.mode": "0666"}
+ bashrc {"file.path": "/home/alice/.bashrc", "file.mode": "0666", "file.uid": "1000"}
+ cron-job-of-alice {"file.path": "/etc/cron.d/x", "file.mode": "0644", "file.uid": "1000"}
+ unit-of-alice {"file.mode": "0644", "file.uid": "1000"}
+ motd-of-alice {"file.path": "/etc/update-motd.d/10-x", "file.mode": "0755", "file.uid": "1000"}

# near misses
- unit-as-usual {"file.mode": "0644"}
- readable {"file.mode": "0755"}
- group {"file.mode": "0664"}
- link {"file.type": "symlink", "file.mode": "0777"}
- socket {"file.type": "socket", "file.mode": "0666"}
- other-place {"file.path": "/var/lib/x", "file.mode": "0666"}
- bashrc-of-its-owner {"file.path": "/home/alice/.bashrc", "file.mode": "0644", "file.uid": "1000"}
- crontab-of-its-owner {"file.path": "/var/spool/cron/crontabs/alice", "file.uid": "1000", "file.mode": "0600"}
- at-of-daemon {"file.path": "/usr/bin/at", "file.uid": "1", "file.mode": "6755"}
- not-by-a-scan {"event.action": "creation"}
