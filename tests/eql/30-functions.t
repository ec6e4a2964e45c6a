events
1 event.category=file s="explorer.exe" n=7 m=2 d=2.5 ip=10.1.2.3 args=[ab,cde]
2 event.category=file s="EXPLORER.EXE" n=-7 m=0 ip=fe80::1
3 event.category=file s="" n=0
4 event.category=file s="héé[x]yy]" ip=192.168.1.1 t=" 0x1F "
5 event.category=file

eql file where startsWith(s, "expl")
ids 1
eql file where startsWith~(s, "expl")
ids 1 2
eql file where STARTSWITH~(s, "expl")
ids 1 2
eql file where startswith("explorer.exe and more", s)
ids 1 3
eql file where not startsWith(s, "expl")
ids 2 3 4 5
eql file where endsWith(s, ".exe")
ids 1
eql file where endsWith~(s, ".exe")
ids 1 2
eql file where stringContains(s, "lore")
ids 1
eql file where stringContains~(s, "lore")
ids 1 2
eql file where stringContains(s, "")
ids
eql file where stringContains("abc", s)
ids
eql file where length(s) == 12
ids 1 2
eql file where length(s) == 9
ids 4
eql file where length(s) == 0
ids 3
eql file where length(s) > 0
ids 1 2 4
eql file where length(s) != 12
ids 3 4 5
eql file where length(s) == null
ids 5
eql file where length(s) != null
ids 1 2 3 4
eql file where indexOf(s, "plorer") == 2
ids 1
eql file where indexOf~(s, "plorer") == 2
ids 1 2
eql file where indexOf(s, "[x") == 3
ids 4
eql file where indexOf(s, "e", 1) == 6
ids 1
eql file where indexOf(s, "e", -5) == 0
ids 1
eql file where indexOf(s, "zzz") == null
ids 1 2 3 4 5
eql file where indexOf(s, "e") != null
ids 1
eql file where substring(s, 0, 4) == "expl"
ids 1
eql file where substring(s, -3) == "exe"
ids 1
eql file where substring(s, -4, -1) == ".ex"
ids 1
eql file where substring(s, 1, 3) == "éé"
ids 4
eql file where substring(s, 5, 2) == ""
ids 1 2 3 4
eql file where substring(s, 100) == ""
ids 1 2 3 4
eql file where substring(s, 0, 4) in ("expl", "EXPL")
ids 1 2
eql file where substring(s, 0, 4) in~ ("expl")
ids 1 2
eql file where substring(s, 0, 4) not in ("expl")
ids 2 3 4 5
eql file where substring(s, 0, 4) : "ex*"
ids 1 2
eql file where substring(s, 0, 4) like "ex*"
ids 1
eql file where substring(s, 0, 4) regex "e[x]pl"
ids 1
eql file where between(s, "x", "r") == "plo"
ids 1
eql file where between~(s, "X", "R") == "plo"
ids 1
eql file where between(s, "[", "]") == "x"
ids 4
eql file where between(s, "[", "]", false) == "x"
ids 4
eql file where between(s, "[", "]", true) == "x]yy"
ids 4
eql file where between(s, "zz", "]") == ""
ids 1 2 3 4
eql file where concat(s, ":", n) == "explorer.exe:7"
ids 1
eql file where concat(s, n, m) == null
ids 3 4 5
eql file where concat(n, true, d) == "7true2.5"
ids 1
eql file where string(n) == "7"
ids 1
eql file where string(n) == "-7"
ids 2
eql file where number("7") == n
ids 1
eql file where number(t) == 31
ids 4
eql file where number("1f", 16) == 31
ids 1 2 3 4 5
eql file where number("0x1f", 16) == 31
ids 1 2 3 4 5
eql file where number("-12") == -12
ids 1 2 3 4 5
eql file where number("1.5") == 1.5
ids 1 2 3 4 5
eql file where number("0x1f", null) == 31
ids 1 2 3 4 5
eql file where number(null, 16) == null
ids 1 2 3 4 5
eql file where substring(s, 8, null) == ".exe"
ids 1
eql file where indexOf(s, "plorer", null) == 2
ids 1
eql file where startsWith(s, null)
ids
eql file where not startsWith(s, null)
ids 1 2 3 4 5
eql file where number("abc") == null
ids 1 2 3 4 5
# arithmetic
eql file where n + 1 == 8
ids 1
eql file where n - 1 == 6
ids 1
eql file where n * 2 == 14
ids 1
eql file where n / 2 == 3
ids 1
eql file where n / 2 == -3
ids 2
eql file where n % 4 == 3
ids 1
eql file where n % 4 == -3
ids 2
eql file where n / 2.0 == 3.5
ids 1
eql file where -n == 7
ids 2
eql file where n + m * 2 == 11
ids 1
eql file where (n + m) * 2 == 18
ids 1
eql file where n / m == 3
ids 1
eql file where n / m == null
ids 2 3 4 5
eql file where add(n, 1) == 8 and subtract(n, 1) == 6 and multiply(n, 2) == 14 and divide(n, 2) == 3 and modulo(n, 4) == 3
ids 1
eql file where d + 1 == 3.5
ids 1
eql file where n + 1 > 7
ids 1
eql file where 7 < n + 1
ids 1
eql file where 3 == 2 + 1
ids 1 2 3 4 5
eql file where n > m
error 1:12 two fields
# addresses
eql file where cidrMatch(ip, "10.0.0.0/8")
ids 1
eql file where cidrmatch(ip, "10.1.2.3", "fe80::/10")
ids 1 2
eql file where cidrMatch(ip, "10.9.9.9/8")
ids 1
eql file where cidrMatch(ip, "0.0.0.0/0")
ids 1 4
eql file where cidrMatch(ip, "::/0")
ids 2
eql file where not cidrMatch(ip, "10.0.0.0/8")
ids 2 3 4 5
eql file where cidrMatch(ip, "FE80::1")
ids 2
eql file where cidrMatch(ip, "10.0.0.0/33")
error 1:26 no address block
eql file where cidrMatch(s, "10.0.0.0/8")
ids
# truth of functions
eql file where startsWith(s, "expl") == true
ids 1
eql file where startsWith(s, "expl") == false
ids 2 3 4 5
eql file where true == startsWith(s, "expl")
ids 1
# several values: any, and every combination
eql file where length(args) == 3
ids 1
eql file where not length(args) == 3
ids 2 3 4 5
eql file where length(args) == 2 and length(args) == 3
ids 1
eql file where concat(args, ":", n) == "cde:7"
ids 1

events
1 event.category=file a=[x,y] b=[1,2]
2 event.category=file a=[xy,""] b=[3]

eql file where concat(a, b) == "y1"
ids 1
eql file where concat(a, b) == "x2"
ids 1
eql file where concat(a, a) == "xy"
ids
eql file where startsWith(a, "x") and endsWith(a, "y")
ids 1 2
eql file where length(a) + b == 5
ids 2

events
1 event.category=file s=x

eql file where 5. == 5 and 2.*3 == 6
ids 1
