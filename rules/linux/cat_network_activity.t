# SPDX-License-Identifier: GPL-2.0-or-later
# Pairs of events: cat is executed, then its process has a connection. Each pair
# has an entity id of its own.
rule cat-network-activity
base exec {"event.category": "process", "event.type": "start", "event.action": "exec", "host.os.type": "linux", "host.id": "h", "process.executable": "/usr/bin/cat", "process.args": ["cat", "/etc/passwd"], "process.parent.executable": "/usr/bin/bash"}
base net {"event.category": "network", "event.action": "connection_attempted", "host.os.type": "linux", "host.id": "h", "process.executable": "/usr/bin/cat", "destination.ip": "8.8.8.8"}

# destinations and acts
- v4-exec exec {"process.entity_id": "v4"}
+ v4 net {"process.entity_id": "v4"}
- v6-exec exec {"process.entity_id": "v6"}
+ v6 net {"process.entity_id": "v6", "destination.ip": "2001:db8::1"}
- v6-mapped-far-exec exec {"process.entity_id": "v6-mapped-far"}
+ v6-mapped-far net {"process.entity_id": "v6-mapped-far", "destination.ip": "2606:4700::1111"}
- udp-exec exec {"process.entity_id": "udp"}
+ udp net {"process.entity_id": "udp", "network.transport": "udp", "destination.port": 53}
- inherited-exec exec {"process.entity_id": "inherited"}
+ inherited net {"process.entity_id": "inherited", "tocsin.network.inherited": true}
- disconnect-exec exec {"process.entity_id": "disconnect"}
+ disconnect net {"process.entity_id": "disconnect", "event.action": "disconnect_received"}
- beside-10-exec exec {"process.entity_id": "beside-10"}
+ beside-10 net {"process.entity_id": "beside-10", "destination.ip": "11.0.0.1"}
- beside-172-exec exec {"process.entity_id": "beside-172"}
+ beside-172 net {"process.entity_id": "beside-172", "destination.ip": "172.32.0.1"}
- beside-192-exec exec {"process.entity_id": "beside-192"}
+ beside-192 net {"process.entity_id": "beside-192", "destination.ip": "192.169.0.1"}
- beside-100-exec exec {"process.entity_id": "beside-100"}
+ beside-100 net {"process.entity_id": "beside-100", "destination.ip": "100.128.0.1"}
- beside-169-exec exec {"process.entity_id": "beside-169"}
+ beside-169 net {"process.entity_id": "beside-169", "destination.ip": "169.253.255.255"}
- beside-198-exec exec {"process.entity_id": "beside-198"}
+ beside-198 net {"process.entity_id": "beside-198", "destination.ip": "198.20.0.1"}
- beside-224-exec exec {"process.entity_id": "beside-224"}
+ beside-224 net {"process.entity_id": "beside-224", "destination.ip": "223.255.255.255"}
- v6-two-exec exec {"process.entity_id": "v6-two"}
+ v6-two net {"process.entity_id": "v6-two", "destination.ip": "::2"}

# shells
- parent-dash-exec exec {"process.entity_id": "parent-dash", "process.parent.executable": "/usr/bin/dash"}
+ parent-dash net {"process.entity_id": "parent-dash"}
- parent-sh-exec exec {"process.entity_id": "parent-sh", "process.parent.executable": "/usr/bin/sh"}
+ parent-sh net {"process.entity_id": "parent-sh"}
- parent-tcsh-exec exec {"process.entity_id": "parent-tcsh", "process.parent.executable": "/usr/bin/tcsh"}
+ parent-tcsh net {"process.entity_id": "parent-tcsh"}
- parent-csh-exec exec {"process.entity_id": "parent-csh", "process.parent.executable": "/usr/bin/csh"}
+ parent-csh net {"process.entity_id": "parent-csh"}
- parent-zsh-exec exec {"process.entity_id": "parent-zsh", "process.parent.executable": "/usr/bin/zsh"}
+ parent-zsh net {"process.entity_id": "parent-zsh"}
- parent-ksh-exec exec {"process.entity_id": "parent-ksh", "process.parent.executable": "/usr/bin/ksh"}
+ parent-ksh net {"process.entity_id": "parent-ksh"}
- parent-fish-exec exec {"process.entity_id": "parent-fish", "process.parent.executable": "/usr/bin/fish"}
+ parent-fish net {"process.entity_id": "parent-fish"}

# time: a second passes, more does not
- after-900ms-exec exec {"process.entity_id": "after-900ms"}
wait 900ms
+ after-900ms net {"process.entity_id": "after-900ms"}
- after-1s-exactly-exec exec {"process.entity_id": "after-1s-exactly"}
wait 990ms
+ after-1s-exactly net {"process.entity_id": "after-1s-exactly"}
- too-late-exec exec {"process.entity_id": "too-late"}
wait 1100ms
- too-late net {"process.entity_id": "too-late"}

# two connections of one process are one match: the first consumes the exec
- twice-exec exec {"process.entity_id": "twice"}
+ twice net {"process.entity_id": "twice"}
- twice-again net {"process.entity_id": "twice"}

# two processes at once do not mix
- a-exec exec {"process.entity_id": "a"}
- b-exec exec {"process.entity_id": "b"}
+ b-net net {"process.entity_id": "b"}
+ a-net net {"process.entity_id": "a"}

# the exceptions: an address of a private or special network
- net-10.0.0.0-8-exec exec {"process.entity_id": "net-10.0.0.0-8"}
- net-10.0.0.0-8 net {"process.entity_id": "net-10.0.0.0-8", "destination.ip": "10.1.2.3"}
- net-127.0.0.0-8-exec exec {"process.entity_id": "net-127.0.0.0-8"}
- net-127.0.0.0-8 net {"process.entity_id": "net-127.0.0.0-8", "destination.ip": "127.0.0.1"}
- net-169.254.0.0-16-exec exec {"process.entity_id": "net-169.254.0.0-16"}
- net-169.254.0.0-16 net {"process.entity_id": "net-169.254.0.0-16", "destination.ip": "169.254.1.1"}
- net-172.16.0.0-12-exec exec {"process.entity_id": "net-172.16.0.0-12"}
- net-172.16.0.0-12 net {"process.entity_id": "net-172.16.0.0-12", "destination.ip": "172.31.255.255"}
- net-192.0.0.0-24-exec exec {"process.entity_id": "net-192.0.0.0-24"}
- net-192.0.0.0-24 net {"process.entity_id": "net-192.0.0.0-24", "destination.ip": "192.0.0.200"}
- net-192.0.0.0-29-exec exec {"process.entity_id": "net-192.0.0.0-29"}
- net-192.0.0.0-29 net {"process.entity_id": "net-192.0.0.0-29", "destination.ip": "192.0.0.1"}
- net-192.0.0.8-32-exec exec {"process.entity_id": "net-192.0.0.8-32"}
- net-192.0.0.8-32 net {"process.entity_id": "net-192.0.0.8-32", "destination.ip": "192.0.0.8"}
- net-192.0.0.9-32-exec exec {"process.entity_id": "net-192.0.0.9-32"}
- net-192.0.0.9-32 net {"process.entity_id": "net-192.0.0.9-32", "destination.ip": "192.0.0.9"}
- net-192.0.0.10-32-exec exec {"process.entity_id": "net-192.0.0.10-32"}
- net-192.0.0.10-32 net {"process.entity_id": "net-192.0.0.10-32", "destination.ip": "192.0.0.10"}
- net-192.0.0.170-32-exec exec {"process.entity_id": "net-192.0.0.170-32"}
- net-192.0.0.170-32 net {"process.entity_id": "net-192.0.0.170-32", "destination.ip": "192.0.0.170"}
- net-192.0.0.171-32-exec exec {"process.entity_id": "net-192.0.0.171-32"}
- net-192.0.0.171-32 net {"process.entity_id": "net-192.0.0.171-32", "destination.ip": "192.0.0.171"}
- net-192.0.2.0-24-exec exec {"process.entity_id": "net-192.0.2.0-24"}
- net-192.0.2.0-24 net {"process.entity_id": "net-192.0.2.0-24", "destination.ip": "192.0.2.77"}
- net-192.31.196.0-24-exec exec {"process.entity_id": "net-192.31.196.0-24"}
- net-192.31.196.0-24 net {"process.entity_id": "net-192.31.196.0-24", "destination.ip": "192.31.196.1"}
- net-192.52.193.0-24-exec exec {"process.entity_id": "net-192.52.193.0-24"}
- net-192.52.193.0-24 net {"process.entity_id": "net-192.52.193.0-24", "destination.ip": "192.52.193.1"}
- net-192.168.0.0-16-exec exec {"process.entity_id": "net-192.168.0.0-16"}
- net-192.168.0.0-16 net {"process.entity_id": "net-192.168.0.0-16", "destination.ip": "192.168.1.1"}
- net-192.88.99.0-24-exec exec {"process.entity_id": "net-192.88.99.0-24"}
- net-192.88.99.0-24 net {"process.entity_id": "net-192.88.99.0-24", "destination.ip": "192.88.99.1"}
- net-224.0.0.0-4-exec exec {"process.entity_id": "net-224.0.0.0-4"}
- net-224.0.0.0-4 net {"process.entity_id": "net-224.0.0.0-4", "destination.ip": "239.1.1.1"}
- net-100.64.0.0-10-exec exec {"process.entity_id": "net-100.64.0.0-10"}
- net-100.64.0.0-10 net {"process.entity_id": "net-100.64.0.0-10", "destination.ip": "100.127.255.255"}
- net-192.175.48.0-24-exec exec {"process.entity_id": "net-192.175.48.0-24"}
- net-192.175.48.0-24 net {"process.entity_id": "net-192.175.48.0-24", "destination.ip": "192.175.48.1"}
- net-198.18.0.0-15-exec exec {"process.entity_id": "net-198.18.0.0-15"}
- net-198.18.0.0-15 net {"process.entity_id": "net-198.18.0.0-15", "destination.ip": "198.19.255.255"}
- net-198.51.100.0-24-exec exec {"process.entity_id": "net-198.51.100.0-24"}
- net-198.51.100.0-24 net {"process.entity_id": "net-198.51.100.0-24", "destination.ip": "198.51.100.9"}
- net-203.0.113.0-24-exec exec {"process.entity_id": "net-203.0.113.0-24"}
- net-203.0.113.0-24 net {"process.entity_id": "net-203.0.113.0-24", "destination.ip": "203.0.113.9"}
- net-240.0.0.0-4-exec exec {"process.entity_id": "net-240.0.0.0-4"}
- net-240.0.0.0-4 net {"process.entity_id": "net-240.0.0.0-4", "destination.ip": "255.255.255.255"}
- net-1-exec exec {"process.entity_id": "net-1"}
- net-1 net {"process.entity_id": "net-1", "destination.ip": "::1"}
- net-FE80-10-exec exec {"process.entity_id": "net-FE80-10"}
- net-FE80-10 net {"process.entity_id": "net-FE80-10", "destination.ip": "fe80::1"}
- net-FF00-8-exec exec {"process.entity_id": "net-FF00-8"}
- net-FF00-8 net {"process.entity_id": "net-FF00-8", "destination.ip": "ff02::1"}
- no-address-exec exec {"process.entity_id": "no-address"}
- no-address net {"process.entity_id": "no-address", "destination.ip": null}
- zero-address-exec exec {"process.entity_id": "zero-address"}
- zero-address net {"process.entity_id": "zero-address", "destination.ip": "0.0.0.0"}

# near misses
- other-process-exec exec {"process.entity_id": "other-process"}
- other-process net {"process.entity_id": "somebody-else"}
- other-host-exec exec {"process.entity_id": "other-host"}
- other-host net {"process.entity_id": "other-host", "host.id": "h2"}
- not-cat-exec exec {"process.entity_id": "not-cat", "process.executable": "/usr/bin/tac"}
- not-cat net {"process.entity_id": "not-cat"}
- connection-not-of-cat-exec exec {"process.entity_id": "connection-not-of-cat"}
- connection-not-of-cat net {"process.entity_id": "connection-not-of-cat", "process.executable": "/usr/bin/bash"}
- parent-is-no-shell-exec exec {"process.entity_id": "parent-is-no-shell", "process.parent.executable": "/usr/bin/python3"}
- parent-is-no-shell net {"process.entity_id": "parent-is-no-shell"}
- parent-in-capitals-exec exec {"process.entity_id": "parent-in-capitals", "process.parent.executable": "/usr/bin/BASH"}
- parent-in-capitals net {"process.entity_id": "parent-in-capitals"}
- fork-exec exec {"process.entity_id": "fork", "event.action": "fork"}
- fork net {"process.entity_id": "fork"}
- exec-event-exec exec {"process.entity_id": "exec-event", "event.action": "exec_event"}
- exec-event net {"process.entity_id": "exec-event"}
- accepted-exec exec {"process.entity_id": "accepted"}
- accepted net {"process.entity_id": "accepted", "event.action": "connection_accepted"}
- end-exec exec {"process.entity_id": "end", "event.type": "end"}
- end net {"process.entity_id": "end"}
- no-entity-exec exec {"process.entity_id": null}
- no-entity net {"process.entity_id": null}
- other-system-exec exec {"process.entity_id": "other-system", "host.os.type": "macos"}
- other-system net {"process.entity_id": "other-system"}

# the connection first, then the exec: only the one that comes behind counts
- before-net net {"process.entity_id": "before"}
- before-exec exec {"process.entity_id": "before"}
+ before-net-inherited net {"process.entity_id": "before", "tocsin.network.inherited": true}
