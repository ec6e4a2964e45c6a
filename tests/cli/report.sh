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
cd ..
