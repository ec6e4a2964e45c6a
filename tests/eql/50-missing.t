# ![ … ]: positives first, then the missing ones
events
1 @1 event.category=process p=a k=1
2 @2 event.category=process p=x k=1
3 @3 event.category=process p=b k=1
4 @4 event.category=process p=a k=2
5 @5 event.category=process p=x k=1
6 @6 event.category=process p=b k=2
7 @20 event.category=process p=z k=9

eql sequence by k with maxspan=10s [process where p == "a"] ![process where p == "x"] [process where p == "b"]
ids 4 - 6
eql sequence with maxspan=10s [process where p == "a"] ![process where p == "x"] [process where p == "b"]
ids
eql sequence by k with maxspan=10s ![process where p == "x"] [process where p == "a"] [process where p == "b"]
ids - 1 3 - 4 6
eql sequence by k with maxspan=10s [process where p == "a"] [process where p == "b"] ![process where p == "x"]
ids 4 6 -
eql sequence by k with maxspan=3s [process where p == "a"] [process where p == "b"] ![process where p == "x"]
ids 1 3 - 4 6 -
eql sequence by k with maxspan=4s [process where p == "a"] [process where p == "b"] ![process where p == "x"]
ids 4 6 -
eql sequence by k with maxspan=10s [process where p == "a"] ![process where p == "x"] ![process where p == "y"] [process where p == "b"]
ids 4 - - 6
eql sequence by k with maxspan=10s [process where p == "a"] ![process where p == "q"] ![process where p == "x"] [process where p == "b"]
ids 4 - - 6
eql sequence by k with maxspan=10s [process where p == "a"] ![process where p == "x"]
ids 4 -
eql sequence by k with maxspan=10s ![process where p == "x"] [process where p == "b"]
ids - 6
eql sequence by k with maxspan=10s ![process where p == "nope"] [process where p == "a"] ![process where p == "x"] [process where p == "b"] ![process where p == "nope"]
ids - 4 - 6 -

eql sequence by k with maxspan=10s [process where p == "a"] ![process where p == "x"] with runs=2 [process where p == "b"]
ids 4 - - 6

# both ends: only if both exist within maxspan of each other
events
1 @1 event.category=process p=x
2 @2 event.category=process p=a
3 @3 event.category=process p=x
4 @10 event.category=process p=a
5 @11 event.category=process p=x
6 @30 event.category=process p=a
7 @60 event.category=process p=z

eql sequence with maxspan=2s ![process where p == "x"] [process where p == "a"] ![process where p == "x"]
ids - 4 - - 6 -
eql sequence with maxspan=1s ![process where p == "x"] [process where p == "a"] ![process where p == "x"]
ids - 2 - - 4 - - 6 -
eql sequence with maxspan=30s ![process where p == "x"] [process where p == "a"] ![process where p == "x"]
ids - 6 -

# order of completion: 3 is sure at once, and yet is told after 2, which waits
events
1 @1 event.category=process p=x k=1
2 @2 event.category=process p=a k=1
3 @3 event.category=process p=a k=2
4 @4 event.category=process p=x k=2
5 @20 event.category=process p=z k=1

eql sequence by k with maxspan=9s ![process where p == "x"] [process where p == "a"] ![process where p == "q"]
ids - 2 - - 3 -
eql sequence by k with maxspan=9s ![process where p == "x"] [process where p == "a"] ![process where p == "q" or p == "a"] | head 1
ids - 2 -

# strictly between: an event at the very time of a neighbour is not
events
1 @1 event.category=process p=a
2 @1 event.category=process p=x
3 @2 event.category=process p=x
4 @2 event.category=process p=b

eql sequence with maxspan=5s [process where p == "a"] ![process where p == "x"] [process where p == "b"]
ids 1 - 4

# the same event as positive and missing
events
1 @1 event.category=process p=a
2 @2 event.category=process p=b

eql sequence with maxspan=5s [process where true] ![process where true] [process where true]
ids 1 - 2
eql sequence with maxspan=5s [process where p == "a"] [process where p == "b"] ![process where p == "b"]
ids 1 2 -

# order of completion, also when spans end otherwise
events
1 @1 event.category=process p=a k=1
2 @2 event.category=process p=a k=2
3 @3 event.category=process p=b k=2
4 @4 event.category=process p=b k=1

eql sequence by k with maxspan=9s [process where p == "a"] [process where p == "b"] ![process where p == "x"]
ids 2 3 - 1 4 -
