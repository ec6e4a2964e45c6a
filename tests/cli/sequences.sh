# SPDX-License-Identifier: GPL-2.0-or-later
# Sequences of random events beside a model of them (sequences.py).

if ! command -v python3 >/dev/null; then
	echo 'SKIPPED - sequences: no Python here' >&2
else
	for seed in 1 2; do
		out=$(python3 "$root/tests/cli/sequences.py" "$TOCSIN" \
			"$work/empty.yaml" 200 "$seed" 2>&1)
		case $out in
		*' 0 differ') ;;
		*) printf '%s\n' "$out" ;;
		esac
		out=${out##*$'\n'}
		is "sequences: seed $seed: as the model has it" '0 differ' \
			"$(grep -o '[0-9]* differ' <<<"$out")"
		is "sequences: seed $seed: matches, also with missing events" \
			yes "$(awk '$3 > 40 && $6 > 15 { print "yes" }' <<<"$out")"
	done
fi
