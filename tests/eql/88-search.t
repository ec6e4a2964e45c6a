# arraySearch(list, $name, condition about one element), the endpoint's dialect.
events
1 event.category=process a=[xa,b,yc] n=[1,5] o.s=[p,q]
2 event.category=process a=[xb,xc] n=[2,3] o.s=[q]
3 event.category=process a="" n=4
4 event.category=process s=xa

eql any where arraySearch(a, $e, $e : "x*")
ids 1 2
eql any where _arraysearch(a, $e, $e : "x*")
ids 1 2
eql any where not arraySearch(a, $e, $e : "x*")
ids 3 4
# one element for the whole condition
eql any where arraySearch(a, $e, $e : "x*" and $e : "*c")
ids 2
eql any where a : "x*" and a : "*c"
ids 1 2
eql any where not arraySearch(a, $e, $e : "x*" and $e : "*c")
ids 1 3 4
eql any where arraySearch(a, $e, $e : "y*" or $e == "")
ids 1 3
eql any where arraySearch(n, $e, $e > 2 and $e < 4)
ids 2
eql any where n > 2 and n < 4
ids 1 2
eql any where n > 1 and n < 4
ids 1 2
eql any where arraySearch(n, $e, $e > 1 and $e < 4)
ids 2
eql any where arraySearch(n, $e, $e % 2 == 0)
ids 2 3
# != of an element, which there must be
eql any where arraySearch(a, $e, $e != "xb")
ids 1 2 3
eql any where arraySearch(a, $e, not ($e : "x*"))
ids 1 3
eql any where arraySearch(a, $e, $e == null)
ids
eql any where arraySearch(a, $e, $e != null)
ids 1 2 3
# functions, other fields, several, one in another
eql any where arraySearch(a, $e, startsWith($e, "x") and length($e) == 2 and endsWith($e, "c"))
ids 2
eql any where arraySearch(n, $e, $e == 5 and a == "b")
ids 1
eql any where arraySearch(n, $e, $e == 5) and arraySearch(a, $e, $e == "b")
ids 1
eql any where arraySearch(n, $x, arraySearch(a, $y, $x == 3 and $y == "xc"))
ids 2
eql any where arraySearch(a, $e, $e in ("xc", "") and not $e == "")
ids 2
# members of objects
eql any where arraySearch(o, $e, $e.s == "p")
ids 1
eql any where not arraySearch(o, $e, $e.s == "p" or $e.s == "q")
ids 3 4
eql any where arraySearch(o, $e, $e.s == "p" and $e.t == "q")
unsupported belong together
# what cannot be
eql any where a == $e
unsupported known as elements
eql any where arraySearch(a, $e, $f == 1)
unsupported known as elements
eql any where arrayCount(a, $e, $e == 1) == 2
unsupported not counted
eql any where arraySearch(a, $e, true)
error 1:35 does not ask for $e
eql any where arraySearch(a, $e, s == "x")
error 1:39 does not ask for $e
eql any where arraySearch(a, e, s == "x")
error 1:26 a $name for the element
eql any where arraySearch("a", $e, $e == "x")
error 1:23 expected a field name
eql any where arraySearch(a, $e)
error 1:28 expected ,
fields event.category:keyword a:keyword o.s:keyword!
eql any where arraySearch(b, $e, $e == "x")
error 1:23 unknown field b
eql any where arraySearch(o, $e, $e.t == "x")
error 1:23 unknown field o.t
eql any where arraySearch(o, $e, $e.s == "x" or $e.s == "y")
unsupported needs o.s
eql any where not arraySearch(o, $e, $e.s == "x" or $e.s == "y") and a == "b"
ids 1
