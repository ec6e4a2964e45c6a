# SPDX-License-Identifier: GPL-2.0-or-later
# Random sequences and conditions over random events, beside models of them
# (sequences.py, conditions.py).

# model NAME CASES SEED: its last line goes to $out
model() {
	out=$(python3 "$root/tests/cli/$1.py" "$TOCSIN" "$work/empty.yaml" \
		"$2" "$3" 2>&1)
	case $out in
	*' 0 differ') ;;
	*) printf '%s\n' "$out" ;;
	esac
	out=${out##*$'\n'}
	is "models: $1, seed $3: as the model has it" '0 differ' \
		"$(grep -o '[0-9]* differ' <<<"$out")"
}

if ! command -v python3 >/dev/null; then
	echo 'SKIPPED - models: no Python here' >&2
else
	for seed in 1 2; do
		model sequences 200 "$seed"
		is "models: seed $seed: sequences, also with missing events" \
			yes "$(awk '$3 > 40 && $6 > 15 { print "yes" }' <<<"$out")"
		model conditions 300 "$seed"
		is "models: seed $seed: conditions that are true of events" \
			yes "$(awk '$5 > 3000 { print "yes" }' <<<"$out")"
	done
fi
