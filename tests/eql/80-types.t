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

# What a date leaves out stands for all that it could be; || calculates.
events
1 event.category=file at="2026-01-30T23:59:59.9996Z" @timestamp="2026-01-30T23:59:59Z"
2 event.category=file at="2026-01-31T12:00:00.500Z" @timestamp="2026-01-31T12:00:00Z"
3 event.category=file at="2026-02-01T00:00:00+01:00" @timestamp="2026-02-01T00:00:00Z"
4 event.category=file at=["2026-02-28T08:00:00Z","2024-02-29T08:00:00Z"] @timestamp="2026-03-01T00:00:00Z"
5 event.category=file at="2026-03-02T00:00:00Z" @timestamp=1772409600000000001
6 event.category=file

eql file where @timestamp == "2026-01-31"
ids 2
eql file where @timestamp > "2026-01-31||/M"
ids 3 4 5
eql file where @timestamp == 1769860800000
ids 2
eql file where @timestamp == "then"
error 1:26 a date is wanted
eql file where @timestamp == 1772409600000 and @timestamp == "2026-03-02"
ids 5
kql @timestamp: (2026-01-30 or 2026-02-01)
ids 1 3
kql @timestamp >= 2026-02
ids 3 4 5

fields event.category:keyword at:date name:keyword
eql file where at == "2026-01-31"
ids 2 3
eql file where at != "2026-01-31"
ids 1 4 5 6
eql file where at in ("2026-01-30", "2026-03-02")
ids 1 5
eql file where at > "2026-01-31"
ids 4 5
eql file where at >= "2026-01-31"
ids 2 3 4 5
eql file where at < "2026-01-31"
ids 1 4
eql file where at <= "2026-01-31"
ids 1 2 3 4
eql file where at == "2026-01-31T12"
ids 2
eql file where at == "2026-01-31T12:00"
ids 2
eql file where at == "2026-01-31T12:00:00Z"
ids 2
eql file where at == "2026-01-31T12:00:00.5Z"
ids 2
eql file where at == "2026-01-31T12:00:00.501Z"
ids
eql file where at == "2026-01-30T23:59:59.999Z"
ids 1
eql file where at == "2026-01-31T23:00:00Z"
ids 3
eql file where at == "2026-02-01T00:00+01:00"
ids 3
eql file where at == "2024"
ids
eql file where at == 1769860800500
ids 2
eql file where 1769860800499 < at
ids 2 3 4 5
eql file where at == "1769860800500"
ids 2
eql file where at == "2026-01-31||/M"
ids 1 2 3
eql file where at == "2026-01-31||/y"
ids 1 2 3 4 5
eql file where at == "2026-03-31||-1M/d"
ids 4
eql file where at == "2025-02-28||-1y+1d/d"
ids 4
eql file where at > "2026-01-31||+1M+1d/d"
ids 5
eql file where at == "2026-03-08||/w"
ids 5
eql file where at >= "2026-01-31T12:00:00||+500ms"
error 1:18 a date is wanted
eql file where at == "2026-01-31T12:00:00||+1s-1m+1h-59m-1s/s"
ids 2
eql file where at == "2026-02-30"
error 1:18 a date is wanted
eql file where at == "2026-01-31||+1"
error 1:18 a date is wanted
eql file where at == "2026-01-31||-600y"
error 1:18 a date is wanted
eql file where at in ("2026-01-31", "yesterday")
error 1:33 a date is wanted
eql file where at > "now-1d"
error 1:17 now means nothing
eql file where at == null
ids 6
kql at > 2026-01-31 and not at: 2024*
ids 5
kql at: 2026-01-31
ids 2 3
kql at < now
error 1:6 now means nothing
