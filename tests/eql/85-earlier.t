# [ … ] as name, the endpoint's dialect: later stages ask for its fields.
events
1 @1 event.category=file f=/x u=0 k=1
2 @2 event.category=process p=/y c=/y k=1
3 @3 event.category=process p=/x c="/X -a" k=1
4 @4 event.category=file f=/z a=[1,2] k=1
5 @5 event.category=network p=/x d=2 k=1

eql sequence [file where f == "/x"] as event0 [process where p == event0.f]
ids 1 3
# != is the complement, also of a field that is missing
eql sequence [file where f == "/x"] as event0 [process where p != event0.f]
ids 1 2
eql sequence [file where f == "/x"] as event0 [process where p != event0.nothing]
ids 1 2
eql sequence [file where f == "/x"] as event0 [process where p == event0.nothing]
ids
eql sequence [file where f == "/x"] as event0 [process where event0.nothing == null and p == "/x"]
ids 1 3
# within functions, in any case, in lists, with literals
eql sequence [file where f == "/x"] as event0 [process where startsWith~(c, event0.f)]
ids 1 3
eql sequence [file where f == "/x"] as event0 [process where startsWith(c, event0.f)]
ids
eql sequence [file where f == "/x"] as event0 [process where concat(event0.f, " -a") : c]
error 1:84 patterns are literal
eql sequence [file where f == "/x"] as event0 [process where p in ("/q", event0.f)]
ids 1 3
eql sequence [file where f == "/x"] as event0 [process where p : event0.f]
ids 1 3
eql sequence [file where f == "/x"] as event0 [process where event0.u == 0 and c == "/y"]
ids 1 2
eql sequence [file where f == "/x"] as event0 [process where event0.f : "/*" and length(event0.f) == 2]
ids 1 2
# a test of the event itself beside it, also in one or
eql sequence [file where f == "/x"] as event0 [process where p == event0.f or c == "/y"]
ids 1 2
eql sequence [file where f == "/x"] as event0 [process where not (p == event0.f or c == "/y")]
ids
eql sequence by k [file where f == "/x"] as event0 [process where c : "* -a" and p == event0.f]
ids 1 3
# of arrays any value; what does not fit leaves the sequence pending
eql sequence [file where a == 1] as event0 [network where d == event0.a]
ids 4 5
# several names, and the last one of several runs
eql sequence [file where f == "/x"] as event0 [process where true] as event1 [network where p == event0.f and event1.c == "/y"]
ids 1 2 5
eql sequence [process where true] as e with runs=2 [network where p == e.p]
ids 2 3 5
# what cannot be
fields event.category:keyword f:keyword p:keyword
eql sequence [file where true] as event0 [process where p == event0.q]
error 1:65 unknown field q
eql sequence [file where true] as event0 [process where p == event1.f]
error 1:58 unknown field event1.f
eql sequence [file where f == event0.f] as event0 [process where true]
error 1:27 unknown field event0.f
eql sequence [file where true] as event0 [process where p == f]
error 1:53 two fields
eql sequence with maxspan=1s [file where true] as event0 ![process where p == event0.f]
error 1:70 carries the sequence on
eql sequence [file where true] as event0 [process where true] until [process where p == event0.f]
error 1:80 carries the sequence on
eql sequence with maxspan=1s ![file where true] as event0 [process where true] [process where true]
error 1:48 missing event has no fields
eql sequence [file where true] as a [process where true] as a
error 1:57 this name already
eql sample by f [file where true] as a [process where true]
error 1:34 only the events of a sequence
eql sequence [file where true] as a [process where true] by a.f
error 1:57 join key
