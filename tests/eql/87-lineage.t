# descendant of [ … ], child of [ … ], event of [ … ]: the endpoint's dialect.
# a → b → c → d; e is c's second child; z stands apart. Nobody but the parent
# is named.
events
1 event.category=process process.entity_id=a process.name=sshd event.action=exec
2 event.category=process process.entity_id=b process.parent.entity_id=a process.name=sh event.action=exec
3 event.category=process process.entity_id=b process.parent.entity_id=a process.name=base64 event.action=exec
4 event.category=process process.entity_id=c process.parent.entity_id=b process.name=base64 event.action=fork
5 event.category=process process.entity_id=c process.parent.entity_id=b process.name=sh event.action=exec
6 event.category=process process.entity_id=d process.parent.entity_id=c process.name=sh event.action=fork
7 event.category=network process.entity_id=d process.parent.entity_id=c process.name=curl destination.port=80
8 event.category=process process.entity_id=b process.parent.entity_id=a process.name=base64 event.action=end
9 event.category=process process.entity_id=e process.parent.entity_id=c process.name=id event.action=exec
10 event.category=network process.entity_id=z process.name=curl destination.port=80
11 event.category=network process.name=curl destination.port=80

eql any where descendant of [process where process.name == "base64" and event.action == "exec"]
ids 4 5 6 7 9
eql any where child of [process where process.name == "base64" and event.action == "exec"]
ids 4 5
eql any where event of [process where process.name == "base64" and event.action == "exec"]
ids 3 8
# its own exec makes nobody a descendant of itself
eql any where descendant of [process where process.entity_id == "c"]
ids 6 7 9
eql network where descendant of [process where process.name == "sshd"] and destination.port == 80
ids 7
eql network where not descendant of [process where process.name == "sshd"]
ids 10 11
eql network where not (descendant of [process where process.name == "sshd"] or child of [any where false])
ids 10 11
# what happened before counts, not what comes later
eql any where descendant of [process where event.action == "end"]
ids
eql any where event of [process where event.action == "end"]
ids 8
# in one another, and other categories
eql any where descendant of [process where child of [process where process.name == "sshd"] and process.name == "base64"]
ids 4 5 6 7 9
eql any where child of [process where descendant of [process where process.name == "sshd"]] and event.action == "exec"
ids 5 9
eql any where event of [network where destination.port == 80]
ids 7 10
eql any where descendant of [any where true] and process.name == "id"
ids 9
# two of the same, another spelling, and in sequences
eql any where descendant of [ process where process.name=="sshd" ] and descendant of [process where process.name == "sshd"] and process.name : ("id", "curl")
ids 7 9
eql sequence by process.entity_id [process where descendant of [process where process.name == "sshd"] and event.action == "fork"] [network where true]
ids 6 7
eql sequence [process where process.entity_id == "a"] as x [process where child of [process where process.entity_id == x.process.entity_id]]
error 1:95 two fields
eql sequence [process where process.entity_id == "a"] as x [process where child of [process where process.entity_id == "a"] and process.parent.entity_id == x.process.entity_id]
ids 1 2
eql any where (descendant of [process where process.name == "sshd"]) == true and process.name == "id"
ids 9
eql any where length(process.name) == 2 and not child of [process where process.name == "sh"]
ids 2

# a list of all ancestors bridges what was not seen
events
1 event.category=process process.entity_id=a process.name=sshd
2 event.category=network process.entity_id=d process.parent.entity_id=c tocsin.process.ancestors.entity_id=[c,b,a]
3 event.category=network process.entity_id=e process.parent.entity_id=c process.Ext.ancestry=[c,b,a]
4 event.category=network process.entity_id=f process.parent.entity_id=c process.Ext.ancestry=[c,b]
5 event.category=network process.entity_id=a process.Ext.ancestry=[b]

eql network where descendant of [process where process.name == "sshd"]
ids 2 3
eql network where child of [process where process.name == "sshd"]
ids
eql network where event of [process where process.name == "sshd"]
ids 5

# numbers name processes as well
events
1 event.category=process process.entity_id=1 process.name=sshd
2 event.category=process process.entity_id=2 process.parent.entity_id=1

eql any where descendant of [process where process.name == "sshd"]
ids 2

fields event.category:keyword process.entity_id:keyword process.parent.entity_id:keyword process.name:keyword dns.id:keyword!
eql any where descendant of [process where process.nam == "sshd"]
error 1:40 unknown field process.nam
eql any where descendant of process where true
error 1:25 expected [
eql any where descendant of [process]
error 1:33 expected where
eql any where descendant of [process where true
error 1:44 expected ]
eql any where descendant of [process where true] == null
error 1:11 a condition of its own
eql any where descendant of [dns where dns.id == "x"]
unsupported needs dns.id
eql any where not descendant of [dns where dns.id == "x"]
ids 1 2
eql any where true or descendant of [dns where dns.id == "x"]
ids 1 2
eql any where descendant of [process where process.name == "sshd"]
ids 2
fields process.name:keyword event.category:keyword
eql any where descendant of [process where true]
error 1:11 unknown field process.entity_id
