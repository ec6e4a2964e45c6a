fields event.category:keyword process.name:keyword process.pid:long process.args:keyword destination.ip:ip process.interactive:bool file.size:double @timestamp:date
eql process where process.nam == "x"
error 1:15 did you mean process.name?
eql process where zzz == "x"
error 1:15 unknown field zzz
eql process where process.nam == "x" and
	  process.pidd == 4
error 1:15 did you mean process.name?
eql process where process.nam == "x" and
	  process.pidd == 4
error 2:3 did you mean process.pid?
eql process where process.name = "x"
error 1:28 write ==
eql process where process.name == 'x'
error 1:31 double quotes
eql process where process.name == ?"x"
error 1:31 double quotes
eql process where process.name == "x
error 1:31 not closed
eql process where process.name == """x
error 1:31 not closed
eql process where process.name == "\q"
error 1:32 escape
eql process where process.name == "\u{d800}"
error 1:32 escape
eql process where 1 < process.pid < 5
error 1:31 chained
eql process where process.name == "a" /* open
error 1:35 no end
eql process
error 1:8 expected where
eql process where
error 1:14 query ends
eql process where (process.pid == 1
error 1:32 expected )
eql process where process.pid == 1)
error 1:31 should end here
eql process where process.name in "x"
error 1:31 expected (
eql process where process.pid : "4*"
error 1:15 only strings
eql process where process.pid == "x"
error 1:30 a number is compared with a string
eql process where process.name
error 1:15 not a condition
eql process where process.pid
error 1:15 a number, not a condition
eql process where "x"
error 1:15 a string, not a condition
eql process where process.interactive > true
error 1:15 no order
eql process where nofunction(process.name)
error 1:15 unknown function
eql process where length(process.name, 1) == 1
error 1:15 too many
eql process where length() == 1
error 1:15 too few
eql process where length(process.pid) == 1
error 1:22 must be a string
eql process where length~(process.name) == 1
error 1:15 no form with ~
eql process where startsWith(process.name, 5)
error 1:40 must be a string
eql process where process.name == "x" and process.pid + "a" == 1
error 1:53 only numbers
eql process where process.name regex "a("
error 1:34 not closed
eql process where process.name regex "a)"
error 1:34 closes nothing
eql process where process.name regex "*a"
error 1:34 quantifier
eql process where process.name regex "[a"
error 1:34 not closed
eql process where process.name like process.name
error 1:33 string
eql process where process.name in (${nothing})
error 1:32 unknown list nothing
eql process where process.name == ${nothing}
error 1:31 named list
eql sequence [process where true]
error 1:10 two stages
eql sequence by process.pid [process where true] by process.name [process where true]
error 1:62 join keys
eql sequence with maxspan=1s by process.pid [process where true] [process where true]
error 1:26 by before with
eql sequence with maxspan=1x [process where true] [process where true]
error 1:24 unit
eql sequence with maxspan=1.5s [process where true] [process where true]
error 1:26 unit
eql sequence [process where true] ![process where true]
error 1:10 maxspan
eql sequence with maxspan=1s ![process where true] ![process where true]
error 1:26 not missing
eql sequence [process where true] with runs=0 [process where true]
error 1:41 runs must be
eql sequence [process where true] with runs=101 [process where true]
error 1:41 runs must be
eql process where true | count
error 1:22 head or tail
eql process where true | head
error 1:26 how many
eql process where process.name == "x" or
error 1:37 query ends
eql process where process.name == "x" and and true
error 1:39 field name
eql process where process.name == "x" AND process.pid == 1
error 1:35 lower case
eql process where § == 1
error 1:15 means nothing

kql process.nam: x
error 1:1 did you mean process.name?
kql process.name: 
error 1:15 expected a value
kql process.name: (a or b
error 1:22 expected )
kql process.name: "a
error 1:15 not closed
kql process.name: a process.pid: 5
error 1:28 expected and
kql process.pid: foo
error 1:14 a number is compared
kql process.name: a and
error 1:20 expected a value
kql process.name: \x
error 1:15 unknown escape
kql process.name >= a*
error 1:17 without *
kql process.name: ${nothing}
error 1:15 unknown list
kql (process.name: a
error 1:17 expected )
