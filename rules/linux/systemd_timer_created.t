# SPDX-License-Identifier: GPL-2.0-or-later
# Base: a shell writes a timer for the system.
rule systemd-timer-created
base {"event.category": "file", "event.action": "creation", "host.os.type": "linux", "process.executable": "/usr/bin/bash", "file.path": "/etc/systemd/system/x.timer"}

# folders
+ etc-system
+ folder-2 {"file.path": "/etc/systemd/user/x.timer"}
+ folder-3 {"file.path": "/usr/local/lib/systemd/system/x.timer"}
+ folder-4 {"file.path": "/lib/systemd/system/x.timer"}
+ folder-5 {"file.path": "/usr/lib/systemd/system/x.timer"}
+ folder-6 {"file.path": "/usr/lib/systemd/user/x.timer"}
+ folder-7 {"file.path": "/home/u/.config/systemd/user/x.timer"}
+ folder-8 {"file.path": "/home/u/.local/share/systemd/user/x.timer"}
+ folder-9 {"file.path": "/root/.config/systemd/user/x.timer"}
+ folder-10 {"file.path": "/root/.local/share/systemd/user/x.timer"}
+ below-a-folder {"file.path": "/etc/systemd/system/timers.target.wants/x.timer"}

# acts and programs
+ rename {"event.action": "rename", "file.Ext.original.path": "/tmp/x", "file.Ext.original.name": "x"}
+ rename-from-another-extension {"event.action": "rename", "file.Ext.original.extension": "tmp"}
+ vim {"process.executable": "/usr/bin/vim"}
+ sed-elsewhere {"process.executable": "/usr/bin/sed"}
+ perl-elsewhere {"process.executable": "/usr/bin/perl"}
+ script {"process.executable": "/root/install.sh"}
+ dpkg-elsewhere {"process.executable": "/tmp/dpkg"}
+ dropped-tool {"process.executable": "/dev/shm/x"}
+ folder-in-capitals {"file.path": "/etc/SystemD/system/x.timer"}

# exceptions: programs by exact path (under a name that is not excepted)
- program-bin-dpkg {"process.executable": "/bin/dpkg", "process.name": "p"}
- program-usr-bin-dpkg {"process.executable": "/usr/bin/dpkg", "process.name": "p"}
- program-bin-dockerd {"process.executable": "/bin/dockerd", "process.name": "p"}
- program-usr-bin-dockerd {"process.executable": "/usr/bin/dockerd", "process.name": "p"}
- program-usr-sbin-dockerd {"process.executable": "/usr/sbin/dockerd", "process.name": "p"}
- program-bin-microdnf {"process.executable": "/bin/microdnf", "process.name": "p"}
- program-usr-bin-microdnf {"process.executable": "/usr/bin/microdnf", "process.name": "p"}
- program-bin-rpm {"process.executable": "/bin/rpm", "process.name": "p"}
- program-usr-bin-rpm {"process.executable": "/usr/bin/rpm", "process.name": "p"}
- program-bin-snapd {"process.executable": "/bin/snapd", "process.name": "p"}
- program-usr-bin-snapd {"process.executable": "/usr/bin/snapd", "process.name": "p"}
- program-bin-yum {"process.executable": "/bin/yum", "process.name": "p"}
- program-usr-bin-yum {"process.executable": "/usr/bin/yum", "process.name": "p"}
- program-bin-dnf {"process.executable": "/bin/dnf", "process.name": "p"}
- program-usr-bin-dnf {"process.executable": "/usr/bin/dnf", "process.name": "p"}
- program-bin-podman {"process.executable": "/bin/podman", "process.name": "p"}
- program-usr-bin-podman {"process.executable": "/usr/bin/podman", "process.name": "p"}
- program-bin-dnf-automatic {"process.executable": "/bin/dnf-automatic", "process.name": "p"}
- program-usr-bin-dnf-automatic {"process.executable": "/usr/bin/dnf-automatic", "process.name": "p"}
- program-bin-pacman {"process.executable": "/bin/pacman", "process.name": "p"}
- program-usr-bin-pacman {"process.executable": "/usr/bin/pacman", "process.name": "p"}
- program-usr-bin-dpkg-divert {"process.executable": "/usr/bin/dpkg-divert", "process.name": "p"}
- program-bin-dpkg-divert {"process.executable": "/bin/dpkg-divert", "process.name": "p"}
- program-sbin-apk {"process.executable": "/sbin/apk", "process.name": "p"}
- program-usr-sbin-apk {"process.executable": "/usr/sbin/apk", "process.name": "p"}
- program-usr-local-sbin-apk {"process.executable": "/usr/local/sbin/apk", "process.name": "p"}
- program-usr-bin-apt {"process.executable": "/usr/bin/apt", "process.name": "p"}
- program-usr-sbin-pacman {"process.executable": "/usr/sbin/pacman", "process.name": "p"}
- program-usr-bin-puppet {"process.executable": "/usr/bin/puppet", "process.name": "p"}
- program-bin-puppet {"process.executable": "/bin/puppet", "process.name": "p"}
- program-opt-puppetlabs-puppet-bin-puppet {"process.executable": "/opt/puppetlabs/puppet/bin/puppet", "process.name": "p"}
- program-usr-bin-chef-client {"process.executable": "/usr/bin/chef-client", "process.name": "p"}
- program-bin-chef-client {"process.executable": "/bin/chef-client", "process.name": "p"}
- program-bin-autossl_check {"process.executable": "/bin/autossl_check", "process.name": "p"}
- program-usr-bin-autossl_check {"process.executable": "/usr/bin/autossl_check", "process.name": "p"}
- program-proc-self-exe {"process.executable": "/proc/self/exe", "process.name": "p"}
- program-usr-bin-pamac-daemon {"process.executable": "/usr/bin/pamac-daemon", "process.name": "p"}
- program-bin-pamac-daemon {"process.executable": "/bin/pamac-daemon", "process.name": "p"}
- program-usr-lib-snapd-snapd {"process.executable": "/usr/lib/snapd/snapd", "process.name": "p"}
- program-usr-local-bin-dockerd {"process.executable": "/usr/local/bin/dockerd", "process.name": "p"}
- program-usr-bin-crio {"process.executable": "/usr/bin/crio", "process.name": "p"}
- program-usr-sbin-crond {"process.executable": "/usr/sbin/crond", "process.name": "p"}
- program-opt-puppetlabs-puppet-bin-ruby {"process.executable": "/opt/puppetlabs/puppet/bin/ruby", "process.name": "p"}
- program-usr-libexec-platform-python {"process.executable": "/usr/libexec/platform-python", "process.name": "p"}
- program-kaniko-kaniko-executor {"process.executable": "/kaniko/kaniko-executor", "process.name": "p"}
- program-bin-install {"process.executable": "/bin/install", "process.name": "p"}

# exceptions: programs by name (from a path that is not excepted)
- name-python3 {"process.executable": "/opt/python3"}
- name-python3.11 {"process.executable": "/opt/python3.11"}
- name-python {"process.executable": "/opt/python"}
- name-crio {"process.executable": "/opt/crio"}
- name-apt-get {"process.executable": "/opt/apt-get"}
- name-install {"process.executable": "/opt/install"}
- name-snapd {"process.executable": "/opt/snapd"}
- name-cloudflared {"process.executable": "/opt/cloudflared"}
- name-sshd {"process.executable": "/opt/sshd"}
- name-convert-usrmerge {"process.executable": "/opt/convert-usrmerge"}
- name-docker-init {"process.executable": "/opt/docker-init"}
- name-google_metadata_script_runner {"process.executable": "/opt/google_metadata_script_runner"}

# exceptions: files on their way, editors' files, unknown processes
- dpkg-new {"event.action": "rename", "file.Ext.original.extension": "dpkg-new", "file.Ext.original.path": "/lib/systemd/system/x.timer.dpkg-new"}
- extension-swp {"file.path": "/etc/systemd/system/x.timer.swp"}
- extension-swpx {"file.path": "/etc/systemd/system/x.timer.swpx"}
- extension-swx {"file.path": "/etc/systemd/system/x.timer.swx"}
- extension-dpkg-remove {"file.path": "/etc/systemd/system/x.timer.dpkg-remove"}
- unknown-process {"process.executable": null, "process.name": null}

# exceptions: programs by pattern
- pattern-1 {"process.executable": "/nix/store/abc/bin/sh", "process.name": "p"}
- pattern-2 {"process.executable": "/var/lib/dpkg/info/x.postinst", "process.name": "p"}
- pattern-3 {"process.executable": "/tmp/vmis.abc/install", "process.name": "p"}
- pattern-4 {"process.executable": "/snap/x/1/bin/sh", "process.name": "p"}
- pattern-5 {"process.executable": "/dev/fd/3", "process.name": "p"}
- pattern-6 {"process.executable": "/usr/lib/virtualbox/x", "process.name": "p"}
- sed-temporary {"process.executable": "/usr/bin/sed", "file.path": "/etc/systemd/system/sedAbc12.timer"}
- perl-e2scrub {"process.executable": "/usr/bin/perl", "file.path": "/etc/systemd/system/e2scrub_all.tmp.timer"}

# near misses
- service {"file.path": "/etc/systemd/system/x.service"}
- no-extension {"file.path": "/etc/systemd/system/timer"}
- extension-in-capitals {"file.path": "/etc/systemd/system/x.TIMER"}
- modification {"event.action": "modification"}
- deletion {"event.action": "deletion"}
- action-in-capitals {"event.action": "CREATION"}
- other-folder {"file.path": "/etc/systemd/x.timer"}
- run {"file.path": "/run/systemd/system/x.timer"}
- home-of-root-by-another-name {"file.path": "/home/.config/systemd/x.timer"}
- process-event {"event.category": "process"}
- other-system {"host.os.type": "macos"}

# exceptions that do not quite apply: in and like know capitals, in knows no patterns
+ program-in-capitals {"process.executable": "/usr/bin/DPKG"}
+ name-in-capitals {"process.executable": "/opt/Python3"}
+ snapd-with-suffix {"process.executable": "/opt/snapd2"}
+ sed-other-file {"process.executable": "/usr/bin/sed", "file.path": "/etc/systemd/system/xsed.timer"}
