events
1 event.category=process p=b k=1
2 event.category=process p=a k=1
3 event.category=process p=a k=2
4 event.category=process p=a k=1
5 event.category=process p=b k=1
6 event.category=file p=b k=2
7 event.category=process p=b
8 event.category=process p=a

eql sample by k [process where p == "a"] [process where p == "b"]
ids 2 1
eql sample by k [process where p == "a"] [any where p == "b"]
ids 2 1 3 6
eql sample by k [process where true] [process where true]
ids 1 2
eql sample by ?k [process where p == "a"] [process where p == "b"]
ids 2 1 8 7
eql sample [process where p == "a"] by k [any where p == "b"] by k
ids 2 1 3 6
eql sample by k [any where p == "b"] [any where p == "a"] [any where true]
ids 1 2 4
eql sample by k [process where true]
error 1:33 two filters
eql sample [process where true] [process where true]
error 1:8 join key
eql sample by k with maxspan=1s [process where true] [process where true]
error 1:13 neither
