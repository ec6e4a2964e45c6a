# KQL finds words and phrases in text, as the standard analyzer cuts them.
events
1 m="Accepted password for root from 10.0.0.5 port 22"
2 m="user's file_name=/etc/pass-wd, cost 3,14 or 1,000.50; v1.2-rc3"
3 m="sshd:auth foo. bar ...baz__ __ a:1 b.c@example.com"
4 m="ÉCOLE Straße ПРИВЕТ ΣΟΦΙΑ naïve"
5 m="漢字かな カタカナ x️y 中abc" 
6 m=["one two","three four"]
7 m=7
8 n=1

fields m:text k:keyword n:long
kql m: password
ids 1
kql m: PASSWORD
ids 1
kql m: pass
ids 2
kql m: passwor
ids
# any of the words, or all of them in order
kql m: (root or bar)
ids 1 3
kql m: password nothing
ids 1
kql m: "password for root"
ids 1
kql m: "password root"
ids
kql m: "root for"
ids
kql m: "for for root"
ids
kql m: "PASSWORD, for: root!"
ids 1
# dots and commas between digits, apostrophes and dots between letters
kql m: 10.0.0.5
ids 1
kql m: 10
ids
kql m: "user's"
ids 2
kql m: user
ids
kql m: file_name
ids 2
kql m: name
ids
kql m: "etc pass wd"
ids 2
kql m: pass\-wd
error 1:8 unknown escape
kql m: pass-wd
ids 2
kql m: 3,14
ids 2
kql m: "1,000.50"
ids 2
kql m: 50
ids
kql m: v1.2
ids 2
kql m: rc3
ids 2
kql m: "sshd:auth"
ids 3
kql m: auth
ids
kql m: foo
ids 3
kql m: baz__
ids 3
kql m: baz
ids
kql m: "__"
ids
kql m: "a 1"
ids 3
kql m: "b.c example.com"
ids 3
kql m: example
ids
# wildcards fit one word, whatever they are written with
kql m: pass*
ids 1 2
kql m: *word
ids 1
kql m: p*d
ids 1
kql m: "p*d"
ids
kql m: for*root
ids
kql m: pass-w*
ids
kql m: nothing PORT* nil
ids 1
kql m: *
ids 1 2 3 4 5 6 7
kql m: "*"
ids
kql m: ...
ids
# other letters
kql m: école
ids 4
kql m: straße
ids 4
kql m: "привет σοφια"
ids 4
kql m: NAÏVE
ids 4
kql m: naive
ids
kql m: 字
ids 5
kql m: "漢字"
ids 5
kql m: "字漢"
ids
kql m: カタカナ
ids 5
kql m: カタ
ids
kql m: abc
ids 5
# values for themselves, numbers as their text, and not
kql m: "two three"
ids
kql m: "three four"
ids 6
kql m: 7
ids 7
kql not m: (password or v1.2 or foo or naïve or abc or one)
ids 7 8
kql root
ids 1
# EQL compares the whole
eql any where m == "one two"
ids 6
eql any where m : "*PASSWORD*"
ids 1
