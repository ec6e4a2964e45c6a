# SPDX-License-Identifier: GPL-2.0-or-later
# tocsin report: documents of real checks.

mkdir report
cd report || exit 1
mkdir -p tree/sub kept
printf 'keep: ["%s/*"]\n' "$PWD/kept" >keep.yaml
chmod 600 keep.yaml
S="-c $PWD/keep.yaml -s $PWD/state --pubkey $PWD/pub"
check() { # NAME CODE ARGUMENT…
	local name=$1 code=$2
	shift 2
	# shellcheck disable=SC2086 # a list of words
	run "$name" "$code" baseline check --format json $S "$@"
}
field() { # EXPRESSION FILE
	jq -c "$1" "$2" 2>&1
}
tocsin key generate --unencrypted sec pub >/dev/null
for i in 1 2 3; do echo "file $i" >tree/f$i; done
printf 'one\ntwo\nthree\n' >kept/text
printf 'plain\n' >kept/gone
chmod 644 tree/f? kept/*
# shellcheck disable=SC2086
tocsin baseline init -q $S --key sec tree kept

# Nothing has changed: a report all the same.
check 'report: of nothing' 0 -o a.json --key sec
is 'report: of nothing' '[0,0,0,true,null]' \
	"$(field '[(.changes|length), .summary.added, .summary.alerts, .coverage.complete, .previous]' a.json)"
is 'report: format' '["tocsin-report",1,"baseline check"]' \
	"$(field '[.format, .version, .made_by]' a.json)"
is 'report: mode' 600 "$(stat -c %a a.json)"
is 'report: baseline' "$(sed -n 's/^trusted comment.* root=\([0-9a-f]*\).*/\1/p' state/baseline.db.minisig)" \
	"$(jq -r .baseline.root a.json)"
if command -v minisign >/dev/null; then
	minisign -Vqm a.json -p pub
	is 'report: minisign verifies it' 0 $?
	has 'report: trusted comment' "sha256=$(sha256sum <a.json | cut -c 1-64)" \
		"$(minisign -VQm a.json -p pub)"
fi

chmod 4755 tree/f1
echo x >tree/f2
rm tree/f3
printf 'one\nTWO\nthree\n' >kept/text
printf 'fresh\n<b>\n' >kept/new
rm kept/gone
touch "tree/odd
"$'\377'
check 'report: of changes' 7 -o b.json --key sec
is 'report: follows the one before' "$(sha256sum <a.json | cut -c 1-64)" \
	"$(jq -r .previous.sha256 b.json)"
is 'report: its period begins where that ended' "$(jq .period.to a.json)" \
	"$(jq .period.from b.json)"
is 'report: counts' '[2,2,3]' \
	"$(field '.summary|[.added,.removed,.changed]' b.json)"
change() { # NAME EXPRESSION
	field ".changes[]|select(.path|endswith(\"/$1\"))|$2" b.json
}
is 'report: attribute' '[{"name":"mode","old":"0644","new":"4755"}]' \
	"$(change tree/f1 .attributes)"
is 'report: digest' "\"$(sha256sum <tree/f2 | cut -c 1-64)\"" \
	"$(change tree/f2 .sha256)"
is 'report: what is not kept has no difference' null "$(change tree/f2 .diff)"
is 'report: difference' '["-two","+TWO"]' \
	"$(change kept/text '.diff|split("\n")|map(select(test("^[-+]")))')"
is 'report: difference of a new one' '["+fresh","+<b>"]' \
	"$(change kept/new '.diff|split("\n")|map(select(test("^[-+]")))')"
is 'report: difference of one that is gone' '["-plain"]' \
	"$(change kept/gone '.diff|split("\n")|map(select(test("^[-+]")))')"
is 'report: a name of bytes' \
	"$(printf '%s/tree/odd\n\377' "$PWD" | od -An -v -tx1 | tr -d ' \n')" \
	"$(jq -r '.changes[].path_hex|select(.)' b.json)"

# To a pipe as well, and the journal has them all.
check 'report: to a pipe' 7
is 'report: to a pipe' "$(sha256sum <b.json | cut -c 1-64)" \
	"$(jq -r .previous.sha256 <<<"$out")"
is 'report: in the journal' \
	"$({ cat a.json | sha256sum; cat b.json | sha256sum
		printf '%s\n' "$out" | sha256sum; } | cut -c 1-64 | xargs)" \
	"$(jq -r 'select(.action=="report").detail.sha256' \
		state/log/journal.ndjson | xargs)"

check 'report: --key wants --output' 16 --key sec
check 'report: text is not signed' 16 --format text --key sec

# ---- verify ----------------------------------------------------------------
check 'report: third' 7 -o c.json --key sec
check 'report: fourth' 7 -o d.json --key sec
V="--pubkey pub"
# shellcheck disable=SC2086
{
run 'verify: a chain' 0 report verify $V c.json d.json
has 'verify: a chain' 'd.json follows c.json' "$out"
is 'verify: a chain: no complaint' '' "$err"
run 'verify: one is missing between' 32 report verify $V a.json c.json
has 'verify: one is missing between' 'c.json: does not follow a.json' "$err"
run 'verify: the wrong way round' 32 report verify $V d.json c.json
run 'verify: the first after another' 32 report verify $V b.json a.json
has 'verify: the first after another' 'it names no report before it' "$err"
run 'verify: as JSON' 32 report verify --format json $V a.json b.json d.json
is 'verify: as JSON' 'first follows broken' "$(jq -r '.[].chain' <<<"$out" | xargs)"
is 'verify: digest' "$(sha256sum <b.json | cut -c 1-64)" "$(jq -r '.[1].sha256' <<<"$out")"
# A good signature of something else than a report that we can read.
jq -c '.version=2' a.json >newer.json
jq -c 'del(.summary)' a.json >half.json
tocsin report sign -q --key sec newer.json half.json
run 'verify: a newer one' 18 report verify $V newer.json
has 'verify: a newer one' 'use the newer program' "$err"
run 'verify: half of one' 18 report verify $V half.json
is 'verify: half of one' 'half.json: summary is missing' "$err"
if command -v minisign >/dev/null; then
	cp b.json byhand.json
	minisign -S -s sec -m byhand.json >/dev/null 2>&1
	run 'verify: signed by minisign' 0 report verify $V a.json byhand.json
	has 'verify: signed by minisign' 'byhand.json follows a.json' "$out"
fi
# The unit test flips 1000 bits; here a few go through the program.
size=$(stat -c %s b.json)
found=0
for i in $(seq 1 40); do
	cp b.json flip.json
	cp b.json.minisig flip.json.minisig
	at=$((i * 7919 * 31 % size))
	byte=$(od -An -tu1 -j $at -N 1 flip.json | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $((byte ^ 1 << i % 8)))" |
		dd of=flip.json bs=1 seek=$at conv=notrunc 2>/dev/null
	tocsin report verify $V flip.json >/dev/null 2>&1
	[ $? -eq 32 ] && tocsin report show $V flip.json >/dev/null 2>&1
	[ $? -eq 32 ] && found=$((found + 1))
done
is 'verify and show: flipped bits' 40 $found
}

# ---- show ------------------------------------------------------------------
# shellcheck disable=SC2086
{
run 'show' 0 report show b.json
has 'show' 'signature   not checked' "$out"
has 'show: a change' "$PWD/tree/f1
      mode 0644 -> 4755" "$out"
has 'show: a difference' '      -two
      +TWO' "$out"
has 'show: a name of bytes' 'tree/odd\x0a\xff' "$out"
run 'show: signed' 0 report show $V b.json
has 'show: signed' 'signature   good, key' "$out"
run 'show: json' 0 report show --format json b.json
is 'show: json' "$(cat b.json)" "$out"
is 'show: from a pipe' "$(tocsin report show b.json)" \
	"$(tocsin report show - <b.json)"
cp b.json bare.json
run 'show: unsigned, and a key is named' 32 report show $V bare.json
printf 'public_keys: [%s]\n' "$PWD/pub" >trust.yaml
chmod 600 trust.yaml
run 'show: unsigned, and a key is known' 0 -c trust.yaml report show bare.json
has 'show: unsigned, and a key is known' 'anybody can have written this' "$out"
sed 's/"added":2/"added":0/' b.json >changed.json
cp b.json.minisig changed.json.minisig
run 'show: changed' 32 -c trust.yaml report show changed.json
is 'show: changed: nothing is shown' '' "$out"
cp b.json both.json
ln both.json name.json
run 'show: into itself' 16 report show --format html -o name.json both.json
has 'show: into itself' 'name.json: is read as well and would be lost' "$err"
check 'report: into its key' 16 -o sec --key sec
is 'nothing of what was read is lost' "$(sha256sum <b.json)" \
	"$(sha256sum <both.json)"
run 'nothing of what was read is lost' 0 key show sec
run 'show: two' 16 report show a.json b.json
run 'show: ndjson' 16 report show --format ndjson a.json
run 'show: a secret key' 16 report show --key sec a.json
run 'show: missing' 18 report show none.json
for bad in '' '{' '[]' '{"format":"tocsin-report","format":2}' \
	'{"format":"tocsin-report","version":1e999}' $'{"a":"\xff"}' \
	"$(printf '[%.0s' $(seq 5000))"; do
	printf '%s' "$bad" >bad.json
	run "show: ${bad:0:40}" 18 report show bad.json
	is "show: ${bad:0:40}: one line" 1 "$(printf '%s\n' "$err" | wc -l)"
done
printf '{"format":"tocsin-report","\\u001b[31m":\033[31m' >bad.json
run 'show: escapes in an error' 18 report show bad.json
is 'show: escapes in an error' 0 "$(printf %s "$err" | grep -c $'\033')"
}

# ---- hostile reports, by independent readers -------------------------------
hostile=$root/tests/fuzz/corpus/fim_report/hostile
run 'hostile: text' 0 report show "$hostile"
is 'hostile: text: no controls' 0 "$(printf '%s\n' "$out" |
	LC_ALL=C tr -d '\n\t\040-\176\200-\377' | wc -c)"
has 'hostile: text' '\x1b]0;x\x07' "$out"
readers=$root/tests/cli/report.py
if command -v python3 >/dev/null; then
	for name in hostile changes tree types empty; do
		tocsin report show --format html -o page.html \
			"$root/tests/fuzz/corpus/fim_report/$name"
		is "html: $name" good "$(python3 "$readers" page page.html Summary)"
	done
	tocsin report show --format html -o page.html "$hostile"
	is 'html: hostile: as text' good "$(python3 "$readers" page page.html \
		'</code></pre><script>alert(1)</script>"' '\u{202e}')"
	tocsin report show --format html -o page.html b.json
	is 'html: a real one' good "$(python3 "$readers" page page.html \
		'Signature not checked' '+<b>' 'now setuid' '4755')"
	tocsin report show --format html -o page.html a.json
	is 'html: of nothing' good "$(python3 "$readers" page page.html \
		'Nothing was found. Not everything was seen' 'No alerts' \
		'Nothing has changed' 'it has not run with it')"
fi

# ---- SARIF -----------------------------------------------------------------
check 'sarif: of a check' 7 --format sarif -o check.sarif
is 'sarif: of a check' '2 baseline-added 3 baseline-changed 2 baseline-removed' \
	"$(jq -r '.runs[0].results[].ruleId' check.sarif | sort | uniq -c | xargs)"
is 'sarif: version' '2.1.0 Tocsin' \
	"$(jq -r '"\(.version) \(.runs[0].tool.driver.name)"' check.sarif)"
is 'sarif: percent-encoded' "file://$PWD/tree/odd%0A%FF" \
	"$(jq -r '.runs[0].results[].locations[].physicalLocation.artifactLocation.uri' \
		check.sarif | grep odd)"
tocsin report show --format sarif -o show.sarif b.json
is 'sarif: of a report the same results' \
	"$(jq -S '.runs[0].results' check.sarif)" \
	"$(jq -S '.runs[0].results' show.sarif)"
is 'sarif: no link of the chain' 5 \
	"$(jq -r 'select(.action=="report").seq' state/log/journal.ndjson | wc -l)"
check 'sarif: is not signed' 16 --format sarif --key sec -o x.sarif
run 'sarif: not of a list' 16 baseline list --format sarif
tocsin report show --format sarif -o hostile.sarif "$hostile"
is 'sarif: alerts' 'warning' \
	"$(jq -r '.runs[0].results[].level' hostile.sarif | sort -u | xargs)"
if command -v python3 >/dev/null; then
	tocsin report show --format sarif -o empty.sarif a.json
	is 'sarif: as the standard has it' 'good good good' "$(python3 \
		"$readers" sarif check.sarif hostile.sarif empty.sarif | xargs)"
fi

# ---- the schema ------------------------------------------------------------
schema=$root/contrib/report.schema.json
if python3 -c 'import jsonschema' 2>/dev/null; then
	is 'schema' 'valid valid valid' "$(python3 "$readers" schema "$schema" \
		a.json b.json "$hostile" | xargs)"
	# Whatever the schema says of a broken report, we say the same.
	mkdir broken
	python3 "$readers" mutate "$schema" \
		"$root/tests/fuzz/corpus/fim_report/hostile" broken >verdicts
	agreed=0
	while read -r file verdict what; do
		tocsin report show --format json "$file" >/dev/null 2>&1
		got=$?
		if [ $got -eq "$verdict" ]; then
			agreed=$((agreed + 1))
		else
			is "schema and reader: $what" "$verdict" $got
		fi
	done <verdicts
	is 'schema and reader agree' "$(wc -l <verdicts)" $agreed
	is 'schema: both verdicts occur' 2 "$(cut -d ' ' -f 2 verdicts |
		sort -u | wc -l)"
fi
cd ..
