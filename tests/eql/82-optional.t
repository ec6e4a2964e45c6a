# ?field: one that the schema does not know is missing from every event, also
# from those that have something of that name.
events
1 @0 event.category=process x=a odd.thing=a
2 @1 event.category=process x=b odd.thing=a
3 @2 event.category=network x=a odd.thing=b

fields event.category:keyword x:keyword n:long
eql process where ?odd.thing == "a" or x == "b"
ids 2
eql process where ?odd.thing == "a" and x == "b"
ids
eql process where ?odd.thing != "a"
ids 1 2
eql process where not ?odd.thing in ("a", "b")
ids 1 2
eql process where ?odd.thing : "a*" or ?odd.thing like "*" or ?odd.thing regex "a"
ids
eql process where ?odd.thing == null and ?x != null
ids 1 2
eql process where ?odd.thing != null
ids
eql process where ?odd.thing
ids
eql process where ?odd.thing > 3 or ?odd.thing + 1 > 1
ids
eql process where ?odd.thing == ?other
ids 1 2
eql process where length(?odd.thing) > 0 or stringContains(?odd.thing, "a")
ids
eql process where not cidrMatch(?odd.thing, "10.0.0.0/8")
ids 1 2
eql process where concat(?odd.thing, x) == null
ids 1 2
eql process where x == "b" or x == ?odd.thing
error 1:27 two fields
# Nothing equals nothing, and ? changes nothing of a field that is known.
eql sequence by ?odd.thing [process where x == "a"] [network where true]
ids 1 3
eql sequence by x, ?odd.thing [process where true] [network where true]
ids 1 3
eql sequence [process where true] by x [network where true] by ?odd.thing
ids
eql sequence [process where true] by ?odd.thing [network where true] by ?other
ids 2 3
eql sequence by ?odd.thing [process where x == "a"] [network where true]
	until [process where true] by ?odd.thing
error 2:7 join keys
eql sequence by x [process where true] by ?odd.thing [network where true] by ?other
	until [file where true] by ?odd.thing
ids 1 3
eql sample by ?odd.thing [process where x == "b"] [network where true]
ids 2 3
eql sequence [process where x == "b"] as first [network where ?first.odd.thing == null]
ids 2 3
# Without the ? it stays unknown, also behind one with it.
eql process where ?odd.thing == "a" or odd.thing == "a"
error 1:36 unknown field odd.thing
eql sequence by odd.thing [process where ?odd.thing == null] [network where true]
error 1:13 unknown field odd.thing
eql sequence [process where true] as first [network where ?last.x == null and last.x == null]
error 1:75 unknown field last.x

fields
events
1 event.category=process odd.thing=a

eql process where ?odd.thing == "a"
ids 1
