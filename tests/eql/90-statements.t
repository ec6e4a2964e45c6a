# What the other files have not: a section a statement, an event or two each.

# Words: keywords and categories are as they are written, strings in all forms
events
1 event.category=process p="a\"b" q="C:\\x" any=y
2 event.category=Process p="a\nb"
3 event.category=any p="é😀z"
4 event.category=process p="\"q\"" @timestamp="2026-01-01T00:00:00Z"

eql process where true
ids 1 4
eql Process where true
ids 2
eql "any" where true
ids 3
eql any where p == "a\"b"
ids 1
eql any where p == """a"b"""
ids 1
eql any where p == """"q""""
ids 4
eql any where q == """C:\x"""
ids 1
eql any where p == "a\nb"
ids 2
eql any where p == "\u{e9}\u{1f600}z"
ids 3
eql any where p like "??z" and length(p) == 3
ids 3
eql any where p regex "..z"
ids 3
eql any where p == "\u{e}"
error 1:17 escape
eql any where p == "\u{00000000e9}"
error 1:17 escape
eql any where p == "\u{110000}"
error 1:17 escape
eql any where @timestamp != null
ids 4
eql any where `@timestamp` != null and not `any` == "x"
ids 4
eql any where not(p == "a\nb")and(not q == null)
ids 1
eql any where p == "a\nb" // the end
ids 2

# Numbers: precedence, ends of the range, forms
events
1 event.category=process n=9223372036854775807 r=1.5 z=0
2 event.category=process n=-9223372036854775808 r=-0.25 z=1
3 event.category=process n=9007199254740993 r=12345678.5

eql any where 10 - 3 - 2 == 5 and 2 + 3 * 4 == 14 and (2 + 3) * 4 == 20 and 2 * 3 % 4 == 2 and 20 / 2 / 5 == 2 and - -3 == 3 and 7 - -3 == 10 and -7 / 2 == -3 and -7 % 3 == -1 and 7 % -3 == 1 and 7.5 % 2 == 1.5
ids 1 2 3
eql any where n == 9223372036854775807
ids 1
eql any where n == -9223372036854775808
ids 2
eql any where n < 9223372036854775807
ids 2 3
eql any where n == 9007199254740993
ids 3
eql any where n == 9007199254740992
ids
eql any where n < 9223372036854775808
ids 1 2 3
eql any where n < 1e30 and n > -1e30
ids 1 2 3
# what leaves the range, and a division by zero, is null
eql any where n + 1 == null
ids 1
eql any where n - 1 == null
ids 2
eql any where n * 2 == null
ids 1 2
eql any where n / z == null
ids 1 3
eql any where n % z != null
ids 2
eql any where not n + 1 > 0
ids 1 2
eql any where r == 1.50 or r == -25e-2
ids 1 2
eql any where r == .15e1
ids 1
eql any where string(r) == "1.5" or string(r) == "-0.25" or string(r) == "1.23456785E7"
ids 1 2 3
eql any where string(1.0) == "1.0" and string(1e7) == "1.0E7" and string(0.0001) == "1.0E-4" and string(-1.5e300) == "-1.5E300" and string(true) == "true" and string(100) == "100"
ids 1 2 3
eql any where n in (null, 9223372036854775807)
ids 1
eql any where n in (null)
ids

# null beside a literal, in either order
events
1 event.category=process s=x

eql any where null != 3 and 3 != null and not (null == 3) and null == null and not (null != null)
ids 1
eql any where null == "x" or "x" == null or not null != "x"
ids
eql any where (s == "x") != null and (nothing == "x") == null
ids 1
eql any where s > null
ids
eql any where not s > null
ids 1
eql any where nothing + 1 == null and concat(s, null) == null and length(null) == null
ids 1
eql any where s == "x" and null
error 1:24 not a condition
eql any where null
error 1:11 not a condition
eql any where not null
error 1:15 not a condition
eql any where s == "x" or not (null or true)
error 1:28 not a condition
eql any where (null == true) or null == (null == null)
ids
eql any where nothing and not nothing == true
ids
eql any where not nothing and nothing != true and nothing != false
ids 1
eql any where nothing in ("x") or nothing like "*" or nothing regex ".*" or nothing : "*" or nothing < "z"
ids
eql any where not nothing in ("x") and not nothing like "*" and not nothing regex ".*" and not nothing : "*" and not nothing < "z" and nothing != "x"
ids 1
eql any where not (nothing == "x" and s == "x")
ids 1
eql any where startsWith(nothing, "x") == false and not startsWith(nothing, "x") and not (startsWith(nothing, "x") == true)
ids 1

# Functions over literals, each form
eql any where between("welcome to the planet", "welcome", "e") == " to th" and between("welcome to the planet", "welcome", "e", true) == " to the plan"
ids 1
eql any where between("abc", "", "", true) == "abc" and between("abc", "", "") == "abc" and between("abc", "", "c") == "abc" and between("abc", "a", "") == "abc" and between~("ABC", "", "b") == "ABC" and between("", "a", "c") == "" and between("abc", "x", "c") == "" and between("abc", "a", "x") == ""
ids 1
eql any where between(null, "a", "b") == null and between("abc", null, "b") == null and between("abc", "a", null) == null
ids 1
eql any where between~("xABCx", "a", "c") == "B" and between("xABCx", "a", "c") == ""
ids 1
eql any where endsWith("ab", "") and startsWith("ab", "") and not endsWith("ab", "cab")
ids 1
eql any where endsWith~("fooBAR", "bar") and startsWith~("FOObar", "foo") and stringContains~("xYz", "y") and indexOf~("xYz", "y") == 1
ids 1
eql any where startsWith~("École", "É") and not startsWith~("École", "é")
ids 1
eql any where not stringContains("", "") and not stringContains("a", "") and not stringContains("", "a")
ids 1
eql any where indexOf("foobarbaz", "o", 2) == 2 and indexOf("foobarbaz", "r", null) == 5 and indexOf("foobarbaz", "") == 0 and indexOf("abc", "a", 9) == null
ids 1
eql any where indexOf("aéb", "b") == 2 and substring("aéb", 1, 2) == "é" and length("aé😀") == 3
ids 1
eql any where number("+314", 10) == 314 and number("-3.14") == -3.14 and number("052403", 8) == 21763 and number("52403", 7) == 12890 and number("0x1337") == 4919 and number("1e3") == 1000 and number("") == null and number("0x") == null and number("9", 8) == null
ids 1
eql any where number("-0x10", 16) == null and number("-0x10") == null and number("0x-10") == -16 and number("0x+1f", 16) == 31 and number("0X10") == null and number("0X10", 16) == null and number("0x0x1", 16) == null
ids 1
eql any where number("0x10", 10) == null and number("0x10", 8) == null and number("0xz", 36) == 1223 and number("zz", 36) == 1295 and number("-zz", 36) == -1295 and number("11", 2) == 3 and number("1", 1) == null and number("1", 37) == null and number("1", 0) == null and number("1", -16) == null
ids 1
eql any where number(" 12 ") == 12 and number(" 1.5") == 1.5 and number(" 12 ", 10) == 12 and number(" 12", 8) == 10 and number(" 0x1f ") == 31 and number("0x 1") == null and number("1 2") == null
ids 1
eql any where number("-9223372036854775808") == -9223372036854775808 and number("-8000000000000000", 16) == -9223372036854775808 and number("8000000000000000", 16) == null and number("1.5", 16) == null
ids 1
eql any where number("9223372036854775807") == 9223372036854775807 and number("9223372036854775808") == 9223372036854775808.0
ids 1
eql any where substring("hello", -3, -1) == "ll" and substring("hello", -60, 2) == "he" and substring("hello", 3, 1) == "" and substring("hello", 5) == "" and substring("hello", 0, 500) == "hello"
ids 1
eql any where substring("hello", null) == "hello" and substring("hello", null, 2) == "hello" and substring("hello", 1, null) == "ello" and substring("hello", nothing) == "hello" and substring("hello", 1, nothing) == "ello" and substring(null, 1) == null and substring(null, null) == null
ids 1
eql any where concat("a", 1, true, 2.5, "é") == "a1true2.5é" and concat("a") == "a"
ids 1
eql any where modulo(-7, 4) == -3 and divide(-7, 2) == -3 and divide(7, 2.0) == 3.5 and add(1, 2) + subtract(5, 7) * multiply(2, 3) == -9
ids 1

# Addresses
eql any where cidrMatch("::1", "::1") and cidrMatch("::1", "::1/128") and cidrMatch("2001:db8::5", "2001:db8::/32") and cidrMatch("2001:DB8:0:0::5", "2001:db8::5") and not cidrMatch("2001:db9::5", "2001:db8::/32")
ids 1
eql any where cidrMatch("fe80::1", "FE80::ffff/10") and cidrMatch("10.1.2.3", "10.0.0.1/8") and cidrMatch("10.1.2.3", "10.1.2.3/32") and not cidrMatch("10.1.2.4", "10.1.2.3/32") and cidrMatch("10.1.2.3", "10.1.2.2/31")
ids 1
eql any where cidrMatch("10.1.2.3", "::/0") or cidrMatch("::1", "0.0.0.0/0") or cidrMatch("", "::/0") or cidrMatch("10.1.2", "0.0.0.0/0") or cidrMatch("x", "::/0", "0.0.0.0/0")
ids
eql any where cidrMatch("::ffff:10.1.2.3", "10.0.0.0/8") and not cidrMatch("::ffff:10.1.2.3", "11.0.0.0/8")
ids 1
eql any where cidrMatch(null, "::/0") == null
ids 1
eql any where cidrMatch("::1", "::/129")
error 1:28 no address block
eql any where cidrMatch("::1", "::ffff:0:0/96")
error 1:28 no address block
eql any where cidrMatch("::1", "10.0.0.0/-1")
error 1:28 no address block
eql any where cidrMatch("::1", s)
error 1:28 string literal

# Patterns: what is an operator in one is a character in the other
events
1 event.category=file f="a.b"
2 event.category=file f="axb"
3 event.category=file f="a\\xb"
4 event.category=file f="a*b"
5 event.category=file f="[ab]"
6 event.category=file f="A.B"
7 event.category=file f="^a$"

eql file where f like "a.b"
ids 1
eql file where f like "a?b"
ids 1 2 4
eql file where f like "a\\*b"
ids 3
eql file where f like """a\*b"""
ids 3
eql file where f like "[ab]"
ids 5
eql file where f like~ "a.b"
ids 1 6
eql file where f : "a.b"
ids 1 6
eql file where f like ("*]", "A*")
ids 5 6
eql file where f regex "a.b"
ids 1 2 4
eql file where f regex """a\.b"""
ids 1
eql file where f regex~ """a\.b"""
ids 1 6
eql file where f regex """a[.*]b"""
ids 1 4
eql file where f regex """a[^.]b"""
ids 2 4
eql file where f regex """\[[a-b]{2}\]"""
ids 5
eql file where f regex """[\[\]ab]+"""
ids 5
eql file where f regex """a\\\wb"""
ids 3
eql file where f regex """\Wa\W"""
ids 7
eql file where f regex "^a$"
ids 7
eql file where f regex "a(x|\\*)?b|.{4}"
ids 2 3 4 5
eql file where f regex """\S\D\w"""
ids 1 2 4 6
eql file where f regex "a.{0,1}b"
ids 1 2 4
eql file where f regex "(?=a).*"
error 1:20 quantifier
eql file where f == "a.b" or f in ("a?b", "A*")
ids 1
eql file where not f like "a*" and not f regex "\\[.*"
ids 6 7
