# SPDX-License-Identifier: GPL-2.0-or-later
# Base: root comes in from the address that failed before.
rule ssh-guessed
base {"event.category": "authentication", "event.type": "info", "event.action": "ssh_login", "event.outcome": "success", "host.os.type": "linux", "host.id": "h", "source.ip": "198.51.100.7", "user.name": "root"}
- failure-1 {"event.outcome": "failure", "user.name": "admin"}
- failure-2 {"event.outcome": "failure", "user.name": "admin"}
- failure-3 {"event.outcome": "failure", "user.name": "admin"}
- failure-4 {"event.outcome": "failure", "user.name": "admin"}
- failure-5 {"event.outcome": "failure", "user.name": "admin"}
- failure-6 {"event.outcome": "failure", "user.name": "admin"}
- failure-7 {"event.outcome": "failure", "user.name": "admin"}
- failure-8 {"event.outcome": "failure", "user.name": "admin"}
- failure-9 {"event.outcome": "failure", "user.name": "admin"}
- failure-10 {"event.outcome": "failure", "user.name": "admin"}
+ the-tenth-was-enough
- only-once

# nine
- nine-1 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- nine-2 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- nine-3 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- nine-4 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- nine-5 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- nine-6 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- nine-7 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- nine-8 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- nine-9 {"event.outcome": "failure", "source.ip": "198.51.100.8"}
- after-nine {"source.ip": "198.51.100.8"}

# somebody else
- other-1 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-2 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-3 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-4 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-5 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-6 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-7 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-8 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-9 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- other-10 {"event.outcome": "failure", "source.ip": "198.51.100.9"}
- from-elsewhere {"source.ip": "198.51.100.10"}
- session {"source.ip": "198.51.100.9", "event.category": "session", "event.action": "logged-on"}
+ and-then-this {"source.ip": "198.51.100.9"}

# too slow
- slow-1 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-2 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-3 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-4 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-5 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-6 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-7 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-8 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-9 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
- slow-10 {"event.outcome": "failure", "source.ip": "2001:db8::7"}
wait 11m
- eleven-minutes-later {"source.ip": "2001:db8::7"}

# six
- six-1 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-2 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-3 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-4 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-5 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-6 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-7 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-8 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-9 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
- six-10 {"event.outcome": "failure", "source.ip": "2001:db8::8"}
+ six {"source.ip": "2001:db8::8"}

# many-names
- many-names-1 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "a"}
- many-names-2 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "b"}
- many-names-3 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "root"}
- many-names-4 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "a"}
- many-names-5 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "b"}
- many-names-6 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "root"}
- many-names-7 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "a"}
- many-names-8 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "b"}
- many-names-9 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "root"}
- many-names-10 {"event.outcome": "failure", "source.ip": "203.0.113.5", "user.name": "a"}
+ many-names {"source.ip": "203.0.113.5", "user.name": "c"}

# key
- key-1 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-2 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-3 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-4 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-5 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-6 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-7 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-8 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-9 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
- key-10 {"event.outcome": "failure", "source.ip": "203.0.113.6"}
wait 9m
+ key {"source.ip": "203.0.113.6", "system.auth.ssh.method": "publickey"}

# dual
- dual-1 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-2 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-3 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-4 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-5 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-6 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-7 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-8 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-9 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
- dual-10 {"event.outcome": "failure", "source.ip": "::ffff:192.0.2.1"}
+ dual {"source.ip": "::ffff:192.0.2.1", "user.name": "alice"}

# inside
- inside-1 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-2 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-3 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-4 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-5 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-6 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-7 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-8 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-9 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
- inside-10 {"event.outcome": "failure", "source.ip": "10.0.0.7"}
+ inside {"source.ip": "10.0.0.7", "user.name": "alice"}
