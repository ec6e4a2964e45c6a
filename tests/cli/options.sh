# SPDX-License-Identifier: GPL-2.0-or-later
# Options, help, and what is said of a wrong command line.

run 'no command' 16
has 'no command' 'which command?' "$err"
run 'unknown command' 16 replya
has 'unknown command' "unknown command 'replya'; did you mean replay?" "$err"
for name in scan baseline query alerts; do
	tocsin --help | grep -q "^  $name " && continue
	run 'command of a later version' 16 $name
	has 'command of a later version' 'not in this version' "$err"
done
run 'unknown option' 16 replay --matchse -
has 'unknown option' 'did you mean --matches?' "$err"
run 'unknown letter' 16 replay -Z -
has 'unknown letter' "unknown option '-Z'" "$err"
run 'option of another command' 16 rules list --matches
has 'option of another command' "'tocsin rules' takes no option --matches" \
	"$err"
POSIXLY_CORRECT=1 run 'options behind words' 16 replay - --matchse
has 'options behind words' 'did you mean' "$err"
run 'missing argument' 16 replay --query
has 'missing argument' '--query wants EQL' "$err"
run 'argument too many' 16 replay --matches=yes -
has 'argument too many' '--matches takes no argument' "$err"
run 'wrong choice' 16 rules list --format xml
has 'wrong choice' "--format wants one of text|json|ndjson|html|sarif, not 'xml'" \
	"$err"
is 'errors are one line' 1 "$(wc -l <err)"
run 'a word too many' 16 doctor now
has 'a word too many' "'tocsin doctor' takes no words, as 'now'" "$err"
run 'baseline log: a word too many' 16 baseline -s "$PWD/state" log x
has 'baseline log: a word too many' 'takes no paths' "$err"
for option in -s -c -r -o --config-key; do
	run "an empty word: $option" 16 rules list $option ''
	has "an empty word: $option" ', not an empty word' "$err"
done
run 'escape sequences in words' 16 $'\e[31mx'
has 'escape sequences in words' '\x1b[31mx' "$err"

run 'help' 0 --help
has 'help: commands' 'replay' "$out"
has 'help: exit codes' '33  there is no baseline' "$out"
run 'help of a command' 0 replay --help
has 'help of a command' '--matches' "$out"
is 'help is 79 columns wide' 0 "$(printf %s "$out" | grep -c '.\{80\}')"
run 'version' 0 --version
has 'version' 'tocsin 0.' "$out"

run 'configuration missing' 17 -c none.yaml rules list
has 'configuration missing' 'none.yaml: cannot be opened' "$err"
printf 'state: /x\nargs_byte: 1\n' >bad.yaml
run 'configuration wrong' 17 -c bad.yaml rules list
has 'configuration wrong' \
	'bad.yaml:2:1: unknown key "args_byte"; did you mean "args_bytes"?' \
	"$err"
chmod 666 empty.yaml
run 'configuration that anybody may write' 17 rules list
has 'configuration that anybody may write' 'written by others' "$err"
chmod 600 empty.yaml
run 'shipped configuration' 0 -c "$root/contrib/tocsin.yaml" rules list
is 'shipped configuration: no complaint' '' "$err"
run 'output that cannot be written' 18 rules list -o none/x
has 'output that cannot be written' 'none/x: cannot be written' "$err"
if [ -e /dev/full ]; then
	run 'full disk' 18 rules list -o /dev/full
	has 'full disk' 'could not be written completely' "$err"
	for option in --help --version; do
		tocsin $option >/dev/full 2>err
		is "full disk: $option" 18 $?
		is "full disk: $option: said" \
			'standard output: could not be written completely' \
			"$(cat err)"
	done
fi
run 'output to a file' 0 rules list -o list.txt
is 'output to a file: mode' 600 "$(stat -c %a list.txt)"
is 'output to a file: nothing elsewhere' '' "$out"
# What a file held stays until there is a result.
cp list.txt before.txt
run 'output of a run that fails' 18 replay none.ndjson -o list.txt
is 'output of a run that fails: the earlier one stays' '' \
	"$(diff before.txt list.txt)"
seq 100000 >list.txt
ln -s list.txt link.txt
run 'output over a longer one' 0 rules list -o link.txt
is 'output over a longer one: is the new alone' '' \
	"$(diff before.txt list.txt)"
is 'output through a link: the link stays' list.txt "$(readlink link.txt)"
echo '{"@timestamp": "2026-01-01T00:00:00Z"}' >one.ndjson
touch -d 2020-01-01 list.txt
run 'output without a line' 0 replay one.ndjson -o list.txt
is 'output without a line: is empty' 0 "$(stat -c %s list.txt)"
touch -d 2020-01-01 list.txt
run 'output without a line again' 0 replay one.ndjson -o list.txt
is 'output without a line again: has the time of it' '' \
	"$(find list.txt ! -newer one.ndjson)"
cp before.txt list.txt
run 'output: one of two cannot be read' 18 replay one.ndjson none.ndjson -o list.txt
is 'output: one of two cannot be read: what the other says' 0 \
	"$(stat -c %s list.txt)"
mkdir clean broken
echo 'type: [' >broken/rule.yml
chmod -R go-w clean broken
cp before.txt list.txt
run 'output: a rule is broken' 17 scan --only files --format ndjson -r broken clean -o list.txt
is 'output: a rule is broken: what the others say' 0 "$(stat -c %s list.txt)"
# A report that breaks off leaves the earlier one. The signal waits for it from
# the start, so that it cannot be too late.
cp before.txt list.txt
# shellcheck disable=SC2016 # the inner shell's
env --block-signal=TERM sh -c 'kill -TERM $$; exec "$@"' sh \
	"$TOCSIN" -c empty.yaml -s "$PWD/state" scan --only files \
	--format json -o list.txt /usr 2>/dev/null
is 'output: a report that breaks off: is stopped' 25 $?
is 'output: a report that breaks off: the earlier one stays' '' \
	"$(diff before.txt list.txt)"
cp before.txt list.txt
run 'output: nothing to say' 0 rules lint -o list.txt
is 'output: nothing to say: is empty' 0 "$(stat -c %s list.txt)"
# What is read is refused, by whatever name.
cp before.txt before.txt.minisig
for read in 'rules list --config-key before.txt' \
	'replay -r before.txt one.ndjson' 'report verify before.txt'; do
	# shellcheck disable=SC2086 # words
	run "output that is read: $read" 16 $read -o before.txt
	has "output that is read: $read" 'is read as well' "$err"
done
run 'output that is read: a signature' 16 report verify before.txt -o before.txt.minisig
has 'output that is read: a signature' 'is read as well' "$err"
run 'output that is read: standard input' 16 replay - -o before.txt <before.txt

run 'unknown sensor' 16 watch -s "$PWD/state" --sensor kprobe
has 'unknown sensor' "--sensor wants one of bpf, proc, poll" "$err"
run 'two sensors for one thing' 16 watch -s "$PWD/state" --sensor bpf --sensor proc
has 'two sensors for one thing' \
	'--sensor bpf and --sensor proc both see processes' "$err"

# JSON is one document, NDJSON a document a line.
tocsin doctor -s "$PWD/state" --format json >doctor.json
tocsin doctor -s "$PWD/state" --format ndjson >doctor.ndjson
is 'doctor: JSON' "$(jq -c .subject doctor.ndjson)" \
	"$(jq -c '.[].subject' doctor.json)"
is 'doctor: a line each' "$(wc -l <doctor.ndjson)" "$(jq length doctor.json)"
run 'doctor: no HTML' 16 doctor -s "$PWD/state" --format html
has 'doctor: no HTML' 'text, json or ndjson' "$err"
