events
1 @1 event.category=process p=a k=1
2 @2 event.category=process p=b k=1
3 @3 event.category=process p=a k=2
4 @4 event.category=process p=a k=1
5 @5 event.category=process p=b k=2
6 @6 event.category=process p=b k=1
7 @7 event.category=file p=c k=1

eql sequence [process where p == "a"] [process where p == "b"]
ids 1 2 4 5
eql sequence by k [process where p == "a"] [process where p == "b"]
ids 1 2 3 5 4 6
eql sequence [process where p == "a"] by k [process where p == "b"] by k
ids 1 2 3 5 4 6
# a newer one takes the place of the older
eql sequence [process where p == "a"] [file where true]
ids 4 7
eql sequence by k [process where p == "a"] [process where p == "b"] [file where true]
ids 4 6 7
# one event may complete one sequence and start another
eql sequence [process where true] [process where true]
ids 1 2 2 3 3 4 4 5 5 6
eql sequence by k [process where true] [process where true]
ids 1 2 2 4 3 5 4 6
# maxspan: equal passes
eql sequence by k with maxspan=1s [process where p == "a"] [process where p == "b"]
ids 1 2
eql sequence by k with maxspan=2s [process where p == "a"] [process where p == "b"]
ids 1 2 3 5 4 6
eql sequence by k with maxspan=999ms [process where p == "a"] [process where p == "b"]
ids
eql sequence with maxspan=1m [process where p == "a"] [file where true]
ids 4 7
eql sequence with maxspan=1h [process where p == "a"] [file where true]
ids 4 7
eql sequence with maxspan=1d [process where p == "a"] [file where true]
ids 4 7
# maxspan counts from the first event
eql sequence by k with maxspan=2s [process where p == "a"] [process where p == "b"] [file where true]
ids
eql sequence by k with maxspan=3s [process where p == "a"] [process where p == "b"] [file where true]
ids 4 6 7
# until
eql sequence by k [process where p == "a"] [process where p == "b"] until [process where p == "a" and k == 2]
ids 1 2 4 6
eql sequence [process where p == "a"] [file where true] until [process where p == "b"]
ids
eql sequence by k [process where p == "a"] [process where p == "b"] until [process where p == "b"]
ids 1 2 3 5 4 6
eql sequence by k [process where p == "a"] [process where p == "b"] [file where true] until [process where p == "b"]
ids
# runs
eql sequence [process where p == "a"] with runs=2 [process where p == "b"]
ids 3 4 5
eql sequence by k [process where true] with runs=4
ids 1 2 4 6
eql sequence [process where p == "a"] with runs=2
ids 1 3 3 4
eql sequence [process where p == "a"] by k with runs=2 [file where true] by k
ids 1 4 7
eql sequence [process where p == "a"] with runs=1 [process where p == "b"]
ids 1 2 4 5
# pipes
eql sequence by k [process where p == "a"] [process where p == "b"] | head 1
ids 1 2
eql sequence by k [process where p == "a"] [process where p == "b"] | tail 1
ids 4 6
eql sequence by k [process where p == "a"] [process where p == "b"] | head 2 | tail 1
ids 3 5
eql sequence by k [process where p == "a"] [process where p == "b"] | tail 2 | head 1
ids 3 5
eql process where true | head 2
ids 1 2
eql process where true | tail 2
ids 5 6
eql process where true | tail 4 | head 2 | tail 1
ids 4
eql process where true | head 0
ids
eql process where true | tail 0
ids
eql process where true | head 100
ids 1 2 3 4 5 6

# keys: typed, other fields, missing, null, arrays
events
1 @1 event.category=process p=a id=x n=5
2 @2 event.category=process p=b parent=x n="5"
3 @3 event.category=process p=b parent=X n=5
4 @4 event.category=process p=a
5 @5 event.category=process p=b
6 @6 event.category=process p=c n=5.0

eql sequence [process where p == "a"] by id [process where p == "b"] by parent
ids 1 2
eql sequence by n [process where p == "a"] [process where p == "b"]
ids 1 3
eql sequence by n [process where p == "a"] [process where p == "c"]
ids 1 6
eql sequence [process where p == "a"] by ?id [process where p == "b"] by ?parent
ids 1 2 4 5
eql sequence by ?nothing [process where p == "a"] [process where p == "b"]
ids 1 2 4 5
eql sequence by nothing [process where p == "a"] [process where p == "b"]
ids
eql sequence by event.category, n [process where p == "a"] [process where p == "b"]
ids 1 3
eql sequence by event.category [process where p == "a"] by id [process where p == "b"] by parent
ids 1 2

events
1 @1 event.category=process p=a k=[x,y,x]
2 @2 event.category=process p=b k=[y,z]
3 @3 event.category=process p=b k=[x]
4 @4 event.category=process p=a k=[u,v] l=[1,2]
5 @5 event.category=process p=b k=u l=2
6 @6 event.category=process p=b k=[u,v] l=[2,1]

eql sequence by k [process where p == "a"] [process where p == "b"]
ids 1 2 1 3 4 5 4 6
eql sequence by k, l [process where p == "a"] [process where p == "b"]
ids 4 5 4 6 4 6 4 6

# equal times: the order of arrival decides
events
1 @1 event.category=process p=b
2 @1 event.category=process p=a
3 @1 event.category=process p=b

eql sequence [process where p == "a"] [process where p == "b"]
ids 2 3
eql sequence with maxspan=1ms [process where p == "a"] [process where p == "b"]
ids 2 3

# a rejected pending sequence is consumed
events
1 @1 event.category=process p=a
2 @10 event.category=process p=b
3 @10.5 event.category=process p=b

eql sequence with maxspan=2s [process where p == "a"] [process where p == "b"]
ids
