# Addresses, dates, and what a host does not have.
events
1 event.category=network destination.ip=10.0.0.5 when="2026-01-01T00:00:00Z"
2 event.category=network destination.ip=[10.1.0.5,"::1"] when="2026-01-01T01:00:00+01:00"
3 event.category=network destination.ip=192.0.2.1 when="2026-01-02T00:00:00Z"
4 event.category=network

fields event.category:keyword destination.ip:ip when:date dns.name:keyword! dns.id:keyword! x:keyword
eql network where destination.ip == "10.0.0.5"
ids 1
eql network where destination.ip == "::0001"
ids 2
eql network where destination.ip in ("0:0:0:0:0:0:0:1", "10.0.0.5")
ids 1 2
eql network where destination.ip == "10.0.0.0/15"
ids 1 2
eql network where destination.ip >= "10.0.9.0" and destination.ip < "11.0.0.0"
ids 2
eql network where not (destination.ip == null or cidrmatch(destination.ip, "10.0.0.0/8"))
ids 3
kql destination.ip: 10.0.0.0/16
ids 1
kql destination.ip: (10.0.0.0/16 or "::1")
ids 1 2
kql not destination.ip: 10.0.0.0/8
ids 3 4
eql network where when == "2026-01-01T00:00:00.000Z"
ids 1 2
eql network where when > "2026-01-01T00:00:00Z"
ids 3

eql network where dns.name == "x"
unsupported needs dns.name, which this host does not have: no sensor sees it
eql network where x == "y" and dns.name : "*"
unsupported dns.name
eql network where x == "y" or dns.name : "*"
ids
eql network where not dns.name : "*"
ids 1 2 3 4
eql network where dns.name == null
ids 1 2 3 4
eql network where dns.name != null
unsupported dns.name
eql network where dns.name == "a" or dns.id == "b"
unsupported dns.
eql network where not (not dns.name == "x")
unsupported dns.name
eql network where length(dns.name) > 3
unsupported dns.name
eql sequence by dns.id [network where true] [network where true]
unsupported dns.id
eql sequence by ?dns.id [network where x == null] [network where true]
ids 1 2 2 3 3 4
eql sequence [network where dns.name == "x"] [network where true]
unsupported dns.name
eql sequence with maxspan=1s [network where true] ![network where dns.name == "x"]
ids 1 - 2 - 3 - 4 -

fields
events
1 event.category=network a=10.0.0.5
2 event.category=network a=[10.1.0.5,"10.0.0.0/8"]
3 event.category=network a="192.0.2.1" b="x/y"
4 event.category=network a=7

kql a: 10.0.0.0/16
ids 1
kql a: (10.0.0.0/8 or 7)
ids 1 2 4
kql a: "10.0.0.0/8" and not a: 10.0.0.0/16
ids 2
kql not a: 10.0.0.0/8
ids 3 4
kql b: x/y
ids 3
eql any where a == "10.0.0.0/8"
ids 1 2
eql any where a in ("192.0.2.0/24", 7)
ids 3 4
eql any where a : "10.0.0.0/8"
ids 2
