events
1 event.category=process process.name=bash process.pid=7 process.args=[a,b,"x y"] host.os.type=linux
2 event.category=process process.name=Bash process.pid=8 process.args=[b,c]
3 event.category=file process.name="a*b" file.path=/run/x.pid v=1.5 flag=true
4 event.category=file process.name=axb file.path=/tmp/x(1) flag=false
5 event.category=file s="and" t="say \"hi\"" w="C:\\Windows\\x.exe"

kql process.name: bash
ids 1
kql process.name : bash
ids 1
kql process.name:(bash or Bash)
ids 1 2
kql process.name: ( bash OR Bash )
ids 1 2
kql process.args: (a and b)
ids 1
kql process.args: (b and not a)
ids 2
kql process.args: (not b)
ids 3 4 5
kql not process.args: b
ids 3 4 5
kql NOT process.args: b AND process.name: *
ids 3 4
kql process.args: *
ids 1 2
kql process.name: b*
ids 1
kql process.name: *ash
ids 1 2
kql process.name: a*b
ids 3 4
kql process.name: "a*b"
ids 3
kql process.name: a\*b
ids 3
kql process.name: a?b
ids
kql process.args: "x y"
ids 1
kql process.args: x y
ids 1
kql process.args: x* and process.pid: 7
ids 1
kql process.args: x *y
ids 1
kql process.pid: 7
ids 1
kql process.pid: "7"
ids 1
kql process.pid > 7
ids 2
kql process.pid >= 7 and process.pid < 8
ids 1
kql process.pid <= 7
ids 1
kql v >= 1.5
ids 3
kql v: 1.5
ids 3
kql flag: true
ids 3
kql flag: false
ids 4
kql not flag: true
ids 1 2 4 5
kql file.path: /run/*
ids 3
kql file.path: (/run/* or /tmp/*)
ids 3 4
kql file.path: /tmp/x\(1\)
ids 4
kql s: \and
ids 5
kql s: "and"
ids 5
kql t: "say \"hi\""
ids 5
kql t: say \"hi\"
ids 5
kql w: C\:\\Windows\\*
ids 5
kql w: "C:\\Windows\\x.exe"
ids 5
kql process.name.caseless: BASH
ids 1 2
kql process.name.caseless: BA*
ids 1 2
# and binds more than or, not more than and
kql process.pid: 7 or process.pid: 8 and process.name: nope
ids 1
kql (process.pid: 7 or process.pid: 8) and process.name: Bash
ids 2
kql not process.pid: 7 and event.category: process
ids 2
kql not (process.pid: 7 or event.category: file)
ids 2
kql process: { name: bash and pid: 7 }
ids 1
kql process: { args: (a or c) }
ids 1 2
kql *
ids 1 2 3 4 5
kql *:*
ids 1 2 3 4 5
kql process.name: (bash or B* or "a*b") and not process.pid: (8 or 9)
ids 1 3
kql host.os.type:linux and event.category:process and process.name:(sh or bash)
ids 1
list shells sh bash
list files /run/x.pid
kql process.name: ${shells}
ids 1
kql process.name: (${shells} or Bash)
ids 1 2
kql process.name: (Bash or ${shells}) and not file.path: ${files}
ids 1 2
eql process where process.name in (${shells}, "Bash")
ids 1 2
eql process where process.name : ${shells}
ids 1 2
eql any where file.path like (${files}, "/tmp/*")
ids 3 4

events
1 event.category=process process.name=x process.title=y process.pid=4
2 event.category=process process.name=y process.title=z

fields event.category:keyword process.name:keyword process.title:keyword process.pid:long destination.ip:ip
kql process.*: y
ids 1 2
kql process.n*: y
ids 2
kql z
ids 2
kql y and not process.title: z
ids 1
kql "process"
ids 1 2

# A space that does not break, and words of the language with more behind them.
events
1 event.category=process process.name=order process.title="a b"
2 event.category=process process.name=nothing

kql process.name: order and event.category: process
ids 1
kql not process.name: order 
ids 2
kql process.title: a b
ids 1
kql process.name: \order or process.name: \nothing
ids 1
kql process.name: (\ORder or \order)
ids 1
kql not process.name: \not
ids 1 2
