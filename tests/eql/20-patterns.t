# : like like~ regex regex~
events
1 event.category=file file.path="/etc/cron.d/job"
2 event.category=file file.path="/ETC/cron.d/JOB"
3 event.category=file file.path="/tmp/x*y"
4 event.category=file file.path="/tmp/xzy"
5 event.category=file file.path="/tmp/é"
6 event.category=file file.path="C:\\Windows\\a.exe"
7 event.category=file file.path="a\nb"
8 event.category=file file.path=""

eql file where file.path : "/etc/*"
ids 1 2
eql file where file.path like "/etc/*"
ids 1
eql file where file.path like~ "/etc/*"
ids 1 2
eql file where file.path : "/etc/cron.d/job"
ids 1 2
eql file where file.path : "*job"
ids 1 2
eql file where file.path like "*job"
ids 1
eql file where file.path : "*cron*"
ids 1 2
eql file where file.path : "/e*job"
ids 1 2
eql file where file.path : "*"
ids 1 2 3 4 5 6 7 8
eql file where file.path : "?*"
ids 1 2 3 4 5 6 7
eql file where file.path : "**cron**d**"
ids 1 2
eql file where file.path : "/tmp/x?y"
ids 3 4
eql file where file.path : "/tmp/?"
ids 5
eql file where file.path : "/tmp/??"
ids
eql file where file.path like "/tmp/É"
ids
eql file where file.path : "/tmp/É"
ids
eql file where file.path : "*z?"
ids 4
eql file where file.path : "*?z*"
ids 4
eql file where file.path : "*/*/*b"
ids 1 2
eql file where file.path : ("/etc/*", "/tmp/xz*")
ids 1 2 4
eql file where file.path like ("/etc/*", "/tmp/xzy")
ids 1 4
eql file where file.path like~ ("/ETC/*", "/TMP/XZY")
ids 1 2 4
eql file where not file.path : ("/etc/*", "/tmp/*")
ids 6 7 8
# == and in have no wildcards
eql file where file.path == "/tmp/x*y"
ids 3
eql file where file.path in ("/tmp/x*y", "/etc/*")
ids 3
eql file where file.path in~ ("/TMP/X*Y", "/etc/*")
ids 3
# a backslash in a pattern is literal
eql file where file.path : "c:\\windows\\*.exe"
ids 6
eql file where file.path : """c:\windows\*.exe"""
ids 6
eql file where file.path == """C:\Windows\a.exe"""
ids 6
eql file where file.path like "a*b"
ids 7
eql file where file.path == "a\nb"
ids 7
eql file where file.path == "/tmp/\u{e9}"
ids 5
eql file where file.path == "/tmp/\u{000000E9}"
ids 5

# regex: the whole value, Lucene's dialect
eql file where file.path regex "/etc/.*"
ids 1
eql file where file.path regex~ "/etc/.*"
ids 1 2
eql file where file.path regex "etc"
ids
eql file where file.path regex "a.b"
ids 7
eql file where file.path regex ("/etc/.*", "/tmp/x.y")
ids 1 3 4
eql file where file.path regex "/tmp/x(\\*|z)y"
ids 3 4
eql file where file.path regex """/tmp/x\*y"""
ids 3
eql file where file.path regex "/tmp/x[a-z]y"
ids 4
eql file where file.path regex "/tmp/x[^a-z]y"
ids 3
eql file where file.path regex "/tmp/.{1}"
ids 5
eql file where file.path regex "/tmp/.{2,3}"
ids 3 4
eql file where file.path regex "/tmp/.{2,}"
ids 3 4
eql file where file.path regex """/\w+/\w+\.d/\w+"""
ids 1 2
eql file where file.path regex ".*?cron.*?"
ids 1 2
eql file where file.path regex "^/tmp/xzy$"
ids
eql file where file.path regex "/tmp/x@y"
ids 3 4
eql file where file.path regex "#"
ids
eql file where file.path regex "\"/tmp/x*y\""
ids 3
eql file where file.path regex "/tmp/xz?z?y"
ids 4
eql file where file.path regex ""
ids 8
eql file where file.path regex "()"
ids 8
eql file where file.path regex "/tmp/.*&.*z.*"
ids 4
eql file where file.path regex "/tmp/~(xzy)"
ids 3 5
eql file where not file.path regex ".+"
ids 8

events
1 event.category=file n="7"
2 event.category=file n="17"
3 event.category=file n="20"

eql file where n regex "<5-17>"
ids 1 2
eql file where n regex "<05-17>"
ids 2
eql file where n regex "[1-2]{2}|7"
ids 1
eql file where n regex "(1|2)?[07]"
ids 1 2 3

# folding: A to Z only, at every place of a word
events
1 event.category=file s="ABCDEFGHIJKLMNOPQRSTUVWXYZ" 
2 event.category=file s="@[`{ÀÉ" 
3 event.category=file s="xABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789Z"

eql file where s : "abcdefghijklmnopqrstuvwxyz"
ids 1
eql file where s : "*mnopqrstuvwxyz"
ids 1
eql file where s : "?abcdefghijklmnopqrstuvwxyz*z"
ids 3
eql file where s : "@[`{ÀÉ"
ids 2
eql file where s : "`{@[àé"
ids
eql file where s : ("`[`{ÀÉ", "@{`{ÀÉ", "@[@{ÀÉ", "@[`[ÀÉ", "@[`{àÉ")
ids

# Intervals of unlike bounds take zeros in front; ~ binds closest of all.
events
1 event.category=file n="7"
2 event.category=file n="17"
3 event.category=file n="20"
4 event.category=file n="0017"

eql file where n regex "<5-17>"
ids 1 2 4
eql file where n regex "<05-17>"
ids 2
eql file where n regex "<1-8>|<100-20>"
ids 1 3
eql file where n regex "x|<1-17>|<0-1>"
ids 1 2 4
eql file where n regex "~7"
ids 2 3 4
eql file where n regex "~~7"
ids 1
eql file where n regex "2~0"
ids
eql file where n regex "~7{2}"
unsupported with ~ elsewhere
eql file where n regex "~7*"
unsupported with ~ elsewhere
