# Leaves are two-valued; `not` is the plain complement; arrays: any value.
events
1 event.category=process process.name=bash process.pid=10 process.args=[bash,-c,xyz] user.id="0"
2 event.category=process process.name=Bash process.pid=11 process.parent.name=x user.id="1000"
3 event.category=[process,file] process.name="" process.pid=12 process.parent.name=y
4 event.category=file file.path="/tmp/a b"

eql process where true
ids 1 2 3
eql file where true
ids 3 4
eql any where true
ids 1 2 3 4
eql "process" where true
ids 1 2 3
eql process where false
ids
# a missing field: the leaf is false, its negation true
eql process where not process.parent.name == "x"
ids 1 3
eql process where process.parent.name != "x"
ids 1 3
eql any where not (process.parent.name == "x" or process.name == "bash")
ids 3 4
eql any where not not process.name == "bash"
ids 1
# each leaf picks its own value
eql process where process.args == "-c" and process.args : "x*"
ids 1
eql process where not process.args : "x*"
ids 2 3
eql process where process.args != "-c"
ids 2 3
eql process where process.args in ("nope", "-c")
ids 1
eql process where process.args not in ("nope", "-c")
ids 2 3
# exactness
eql process where process.name == "bash"
ids 1
eql process where process.name : "BASH"
ids 1 2
eql process where process.name in ("BASH", "Bash")
ids 2
eql process where process.name in~ ("BASH")
ids 1 2
eql process where process.name not in~ ("BASH")
ids 3
# an empty string is a value
eql process where process.name == ""
ids 3
eql any where process.name != null
ids 1 2 3
eql any where process.name == null
ids 4
eql any where null == process.name
ids 4
eql any where not process.name == null
ids 1 2 3
# numbers and strings are compared by the literal's text
eql process where user.id == 0
ids 1
eql process where user.id != 0
ids 2 3
eql process where user.id == "0"
ids 1
eql process where process.pid == "11"
ids 2
eql process where process.pid in (10, 12)
ids 1 3
eql process where process.pid in ("10", "12")
ids 1 3
# order
eql process where process.pid > 10
ids 2 3
eql process where 10 < process.pid
ids 2 3
eql process where process.pid >= 11 and process.pid <= 11
ids 2
eql process where process.name < "a"
ids 2 3
eql process where process.name >= "Bash"
ids 1 2
eql process where process.pid > 10.5
ids 2 3
eql process where process.pid == 10.0
ids 1
eql process where process.pid < -1
ids
eql process where process.pid > -1
ids 1 2 3
eql any where not process.pid > 0
ids 4
# precedence
eql process where process.pid == 10 or process.pid == 11 and process.name == "nope"
ids 1
eql process where (process.pid == 10 or process.pid == 11) and process.name == "nope"
ids
eql process where not process.pid in (10) or process.pid == 10
ids 1 2 3
eql process where not process.pid in (10) and process.name == ""
ids 3
eql process where not process.pid == 10
ids 2 3
# optional fields
eql process where ?process.parent.name == "x"
ids 2
eql process where ?nothing.here == null
ids 1 2 3
eql process where not ?nothing.here : "*"
ids 1 2 3
eql process where ?nothing.here != null
ids
# constants
eql process where true and process.pid == 10
ids 1
eql process where false or process.pid == 10
ids 1
eql process where not true
ids
# sub-fields that fold
eql process where process.name.caseless == "BASH"
ids 1 2
eql process where process.name.text in ("BASH")
ids 1 2
# backticks and comments
eql process where `process.name` == "bash"
ids 1
eql process where process.`name` == "bash"
ids 1
eql process where // a comment
	process.name == "bash" /* another
	one */ and process.args in ("-c", // here, too
	"x")
ids 1
eql process where /* a /* b */ c */ process.name == "bash" /**/ and true
ids 1
eql process where /* as in /etc/* */ process.name == "bash" /* or so */
ids 1
eql process where /*/ process.name == "x" and */ process.name == "bash"
ids 1
eql any where file.path == "/tmp/a b"
ids 4

events
1 event.category=process flag=true other=false n=5
2 event.category=process flag=false other=true n=6
3 event.category=process n=7.5

eql process where flag == true
ids 1
eql process where flag
ids 1
eql process where not flag
ids 2 3
eql process where flag == false
ids 2
eql process where flag != true
ids 2 3
eql process where flag or other
ids 1 2
eql process where flag and not other
ids 1
eql process where n == 7.5
ids 3
eql process where n > 5 and n < 7.6
ids 2 3
eql process where (n > 5) == true
ids 2 3
eql process where (n > 5) == false
ids 1
eql process where (flag == true) == false
ids 2 3
eql process where (missing > 5) == null
ids 1 2 3
eql process where null == (missing > -1)
ids 1 2 3
eql process where null == (n > -1)
ids

# Two names that nothing has are equal: null == null.
events
1 event.category=process n=1
2 event.category=process x=1
3 event.category=process x=1 y=1

eql process where ?x == ?y
ids 1
eql process where not ?x == ?y
ids 2 3
eql process where ?x != ?y
ids 2 3
eql process where true == (?x == ?y)
ids 1
eql process where ?x == y
error 1:16 two fields
eql process where ?x < ?y
error 1:16 two fields
