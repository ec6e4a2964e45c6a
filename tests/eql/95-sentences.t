# Sentences of the languages that no case above is about.
events
1 event.category=process n=[1,10] s=[a,Z] p=""
2 event.category=process n=4 s=m
3 event.category=process s="-x" u="{y}" w="a<b>c"

# two ranges on one field may be satisfied by different elements
eql process where n > 5 and n < 3
ids 1
eql process where n in (1) and n in (10)
ids 1
eql process where not (n > 5 or n < 3)
ids 2 3
eql process where n != 1
ids 2 3
eql process where s >= "Z" and s < "a"
ids 1
# in a list that is missing, and of nothing but itself
eql process where not s in ("a", "b") and not nothing in ("a")
ids 2 3
eql process where p == "" and p != null and length(p) == 0
ids 1
kql n > 5 and n < 3
ids 1
kql n: 1 and n: 10
ids 1
kql not n: 1
ids 2 3
kql not (n >= 4 or nothing: *)
ids 3
kql s > "Z"
ids 1 2
kql s: -x
ids 3
kql u: \{y\} and w: a\<b\>c
ids 3
kql u: "{y}" AND NOT p: * Or nothing: x
ids 3
kql p: ""
ids 1
kql "p": ""
ids 1
kql s: (NOT m) and n: *
ids 1

# spans to the nanosecond, in each unit
events
1 @1 event.category=process p=a
2 @2.000000001 event.category=process p=b
3 @3 event.category=process p=a
4 @3.0005 event.category=process p=b

eql sequence with maxspan=1s [process where p == "a"] [process where p == "b"]
ids 3 4
eql sequence with maxspan=1001ms [process where p == "a"] [process where p == "b"]
ids 1 2 3 4
eql sequence with maxspan=1ms [process where p == "a"] [process where p == "b"]
ids 3 4

# until: of the same keys; what it is is not what came later
events
1 @1 event.category=process p=a k=1 l=2
2 @2 event.category=process p=a k=2 l=1
3 @3 event.category=file p=u k=1 l=1
4 @4 event.category=process p=b k=1 l=2
5 @5 event.category=process p=b k=2 l=1
6 @6 event.category=process p=a k=1 l=2
7 @7 event.category=process p=b k=1 l=2

eql sequence by k [process where p == "a"] [process where p == "b"] until [file where true]
ids 2 5 6 7
eql sequence [process where p == "a"] by k [process where p == "b"] by k until [file where true] by l
ids 2 5 6 7
eql sequence [process where p == "a"] by k [process where p == "b"] by k until [process where p == "b"] by l
ids 1 4 6 7
eql sequence by k with maxspan=1m [process where p == "a"] with runs=2 [process where p == "b"] until [file where true]
ids
eql sequence by k with maxspan=1m [process where p == "a"] ![process where p == "x"] [process where p == "b"] until [file where true]
ids 2 - 5 6 - 7
eql sequence by k with maxspan=3s [process where p == "a"] ![file where true] until [file where l == 1]
ids 2 - 6 -

# keys are exact: case, and text that looks alike
events
1 @1 event.category=process p=a k=Ab
2 @2 event.category=process p=b k=AB
3 @3 event.category=process p=b k="Ab "
4 @4 event.category=process p=b k=Ab
5 @5 event.category=process p=a k=true
6 @6 event.category=process p=b k="true"

eql sequence by k [process where p == "a"] [process where p == "b"]
ids 1 4
