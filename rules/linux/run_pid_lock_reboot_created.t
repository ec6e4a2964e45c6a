# SPDX-License-Identifier: GPL-2.0-or-later
# Base: touch makes a pid file. Each file has a name of its own: a pair of program
# and path that was seen in the last 14 days is no news.
rule run-pid-lock-reboot-created
base {"event.category": "file", "event.action": "creation", "host.os.type": "linux", "process.executable": "/usr/bin/touch", "file.path": "/run/x.pid"}

# names of programs
+ touch
+ bash {"process.executable": "/usr/bin/bash", "file.path": "/run/bash.pid"}
+ dash {"process.executable": "/usr/bin/dash", "file.path": "/run/dash.pid"}
+ sh {"process.executable": "/usr/bin/sh", "file.path": "/run/sh.pid"}
+ tcsh {"process.executable": "/usr/bin/tcsh", "file.path": "/run/tcsh.pid"}
+ csh {"process.executable": "/usr/bin/csh", "file.path": "/run/csh.pid"}
+ zsh {"process.executable": "/usr/bin/zsh", "file.path": "/run/zsh.pid"}
+ ksh {"process.executable": "/usr/bin/ksh", "file.path": "/run/ksh.pid"}
+ fish {"process.executable": "/usr/bin/fish", "file.path": "/run/fish.pid"}
+ ash {"process.executable": "/usr/bin/ash", "file.path": "/run/ash.pid"}
+ nano {"process.executable": "/usr/bin/nano", "file.path": "/run/nano.pid"}
+ vim {"process.executable": "/usr/bin/vim", "file.path": "/run/vim.pid"}
+ vi {"process.executable": "/usr/bin/vi", "file.path": "/run/vi.pid"}
+ editor {"process.executable": "/usr/bin/editor", "file.path": "/run/editor.pid"}
+ mv {"process.executable": "/usr/bin/mv", "file.path": "/run/mv.pid"}
+ cp {"process.executable": "/usr/bin/cp", "file.path": "/run/cp.pid"}

# places of programs
+ place-1 {"process.executable": "./x", "file.path": "/run/place1.lock"}
+ hidden {"file.path": "/run/.lock"}
+ place-2 {"process.executable": "/tmp/x", "file.path": "/run/place2.lock"}
+ place-3 {"process.executable": "/var/tmp/x", "file.path": "/run/place3.lock"}
+ place-4 {"process.executable": "/dev/shm/x", "file.path": "/run/place4.lock"}
+ place-5 {"process.executable": "/var/run/x", "file.path": "/run/place5.lock"}
+ place-6 {"process.executable": "/boot/x", "file.path": "/run/place6.lock"}
+ place-7 {"process.executable": "/srv/x", "file.path": "/run/place7.lock"}
+ place-8 {"process.executable": "/run/x", "file.path": "/run/place8.lock"}

# files
+ lock {"file.path": "/run/a.lock"}
+ reboot {"file.path": "/run/a.reboot"}
+ var-run {"file.path": "/var/run/a.pid"}
+ deep {"file.path": "/run/a/b/c.pid"}
+ alias {"file.path": "/run/c.pid", "event.action": "file_create_event"}
+ hidden {"file.path": "/run/.x.pid"}
+ relative-and-absolute {"process.executable": ["/root/x", "./x"], "process.name": "x", "file.path": "/run/rel.pid"}

# new terms: the same pair again is no news for 14 days, another program or file is,
# and it counts from the last sight
+ first {"file.path": "/run/again.pid"}
- again {"file.path": "/run/again.pid"}
+ again-other-program {"file.path": "/run/again.pid", "process.executable": "/usr/bin/cp"}
+ again-other-file {"file.path": "/run/again2.pid"}
wait 13d
- again-13-days {"file.path": "/run/again.pid"}
wait 13d
- again-26-days-refreshed {"file.path": "/run/again.pid"}
wait 15d
+ again-after-15-days {"file.path": "/run/again.pid"}

# exceptions: programs by path (with a name that would match)
- program-1 {"process.executable": "/tmp/newroot/bin/x", "process.name": "sh", "file.path": "/run/e0.pid"}
- program-2 {"process.executable": "/run/containerd/x", "process.name": "sh", "file.path": "/run/e1.pid"}
- program-3 {"process.executable": "/run/k3s/containerd/x", "process.name": "sh", "file.path": "/run/e2.pid"}
- program-4 {"process.executable": "/run/k0s/containerd/x", "process.name": "sh", "file.path": "/run/e3.pid"}
- program-5 {"process.executable": "/snap/x/1/sh", "process.name": "sh", "file.path": "/run/e4.pid"}
- program-6 {"process.executable": "/vz/x", "process.name": "sh", "file.path": "/run/e5.pid"}
- program-7 {"process.executable": "/var/lib/docker/x", "process.name": "sh", "file.path": "/run/e6.pid"}
- program-8 {"process.executable": "/etc/a/universal-hooks/pkgs/mysql-community-server/x", "process.name": "sh", "file.path": "/run/e7.pid"}
- program-9 {"process.executable": "/var/lib/snapd/x", "process.name": "sh", "file.path": "/run/e8.pid"}
- program-10 {"process.executable": "/etc/rubrik/x", "process.name": "sh", "file.path": "/run/e9.pid"}
- program-11 {"process.executable": "/run/udev/data/x", "process.name": "sh", "file.path": "/run/e10.pid"}

# exceptions: programs by name (from a place that would match)
- name-go {"process.executable": "/tmp/go", "file.path": "/run/n-go.pid"}
- name-git {"process.executable": "/tmp/git", "file.path": "/run/n-git.pid"}
- name-containerd {"process.executable": "/tmp/containerd", "file.path": "/run/n-containerd.pid"}
- name-containerd-shim {"process.executable": "/tmp/containerd-shim", "file.path": "/run/n-containerd-shim.pid"}
- name-snap-confine {"process.executable": "/tmp/snap-confine", "file.path": "/run/n-snap-confine.pid"}
- name-cron {"process.executable": "/tmp/cron", "file.path": "/run/n-cron.pid"}
- name-crond {"process.executable": "/tmp/crond", "file.path": "/run/n-crond.pid"}
- name-sshd {"process.executable": "/tmp/sshd", "file.path": "/run/n-sshd.pid"}
- name-unattended-upgrade {"process.executable": "/tmp/unattended-upgrade", "file.path": "/run/n-unattended-upgrade.pid"}
- name-vzctl {"process.executable": "/tmp/vzctl", "file.path": "/run/n-vzctl.pid"}
- name-ifup {"process.executable": "/tmp/ifup", "file.path": "/run/n-ifup.pid"}
- name-rpcbind {"process.executable": "/tmp/rpcbind", "file.path": "/run/n-rpcbind.pid"}
- name-runc {"process.executable": "/tmp/runc", "file.path": "/run/n-runc.pid"}
- name-gitlab-runner-helper {"process.executable": "/tmp/gitlab-runner-helper", "file.path": "/run/n-gitlab-runner-helper.pid"}
- name-elastic-agent {"process.executable": "/tmp/elastic-agent", "file.path": "/run/n-elastic-agent.pid"}
- name-metricbeat {"process.executable": "/tmp/metricbeat", "file.path": "/run/n-metricbeat.pid"}
- name-redis-server {"process.executable": "/tmp/redis-server", "file.path": "/run/n-redis-server.pid"}
- name-s6-ipcserver-socketbinder {"process.executable": "/tmp/s6-ipcserver-socketbinder", "file.path": "/run/n-s6-ipcserver-socketbinder.pid"}
- name-xinetd {"process.executable": "/tmp/xinetd", "file.path": "/run/n-xinetd.pid"}

# exceptions: files by name and path
- file-jem.1.pid {"file.path": "/run/jem.1.pid"}
- file-lynis.pid {"file.path": "/run/lynis.pid"}
- file-redis.pid {"file.path": "/run/redis.pid"}
- file-yum.pid {"file.path": "/run/yum.pid"}
- file-MFS.pid {"file.path": "/run/MFS.pid"}
- file-jenkins.pid {"file.path": "/run/jenkins.pid"}
- file-nvmupdate.pid {"file.path": "/run/nvmupdate.pid"}
- file-openlitespeed.pid {"file.path": "/run/openlitespeed.pid"}
- file-rhnsd.pid {"file.path": "/run/rhnsd.pid"}
- path-containerd {"file.path": "/run/containerd/a.pid"}
- path-docker {"file.path": "/var/run/docker/containerd/a.pid"}
- path-jem {"file.path": "/var/run/jemabc.pid"}

# near misses
- systemd-itself {"process.executable": "/usr/lib/systemd/systemd", "file.path": "/run/nm1.pid"}
- other-extension {"file.path": "/run/nm2.pidx"}
- no-extension {"file.path": "/run/pid"}
- extension-in-capitals {"file.path": "/run/nm3.PID"}
- name-in-capitals {"process.executable": "/usr/bin/Touch", "file.path": "/run/nm4.pid"}
- other-place {"file.path": "/var/lib/x.pid"}
- runner {"file.path": "/runner/x.pid"}
- rename {"event.action": "rename", "file.path": "/run/nm5.pid"}
- modification {"event.action": "modification", "file.path": "/run/nm6.pid"}
- process-event {"event.category": "process", "file.path": "/run/nm7.pid"}
- other-system {"host.os.type": "windows", "file.path": "/run/nm8.pid"}
- unknown-process {"process.executable": null, "process.name": null, "file.path": "/run/nm9.pid"}
- temporary-folder-of-another {"process.executable": "/home/u/tmp/x", "file.path": "/run/nm10.pid"}

# exceptions that do not quite apply
+ jem-without-dot {"file.path": "/run/jem.pid"}
+ lynis2 {"file.path": "/run/lynis2.pid"}
+ mfs-small {"file.path": "/run/mfs.pid"}
+ gogo {"process.executable": "/tmp/gogo", "file.path": "/run/gogo.pid"}
+ newroot-beside {"process.executable": "/tmp/newroot2/x", "file.path": "/run/newroot2.pid"}
