# SPDX-License-Identifier: GPL-2.0-or-later
# Both ways with the real minisign: keys and signatures, encrypted and not.

if ! command -v minisign >/dev/null; then
	echo 'SKIPPED: no minisign here: that Tocsin and minisign read each' \
		'other was NOT tested' >&2
else
	mkdir minisign && cd minisign || exit 1
	# minisign asks on standard input when that is no terminal.
	theirs() { minisign "$@" </dev/null >said 2>&1; }
	asked() { echo "$words" | minisign "$@" >said 2>&1; }
	ok() { if "${@:2}"; then is "$1" 0 0; else is "$1" 0 "$? $(cat said)"; fi; }
	words='correct horse'
	head -c 300000 /dev/urandom >big
	printf 'text\n' >text
	: >empty

	tocsin key generate --unencrypted our.key our.pub >said
	ok 'minisign -GW' theirs -G -W -p their.pub -s their.key
	for f in big text empty; do
		run "our signature of $f" 0 report sign --key our.key $f
		ok "minisign takes our signature of $f" theirs -Vm $f -p our.pub
		ok "... demanding the prehashed form" theirs -VHm $f -p our.pub
		ok "minisign signs $f with our key" theirs -Sm $f -s our.key
		run "we take it of $f" 0 report verify --pubkey our.pub $f
		ok "minisign signs $f with its own key" theirs -Sm $f \
			-s their.key -t "comment $f"
		run "we take that of $f" 0 report verify --pubkey their.pub $f
		has "its trusted comment of $f" "comment $f" "$out"
		run "we sign $f with minisign's key" 0 report sign \
			--key their.key --comment 'of ours' $f
		ok "minisign takes that of $f" theirs -Vm $f -p their.pub
		has "our trusted comment of $f" 'of ours' "$(cat said)"
	done
	long=$(head -c 8173 /dev/zero | tr '\0' x)
	run 'the longest trusted comment' 0 report sign --key our.key \
		--comment "$long" text
	ok 'minisign takes it' theirs -Vm text -p our.pub
	run 'a longer one' 16 report sign --key our.key --comment "x$long" text

	ok 'minisign -l' theirs -Slm text -s their.key
	run 'legacy form' 32 report verify --pubkey their.pub text
	has 'legacy form' '--legacy' "$err"
	run 'legacy form, wanted' 0 report verify --legacy --pubkey their.pub text

	# What neither may take. minisign is asked so that the tests show a
	# signature that it refuses, too.
	run 'sign' 0 report sign --key our.key text
	sed -i '3s/file:text/file:texs/' text.minisig
	theirs -Vm text -p our.pub
	is 'minisign refuses a changed trusted comment' 1 "$?"
	run 'so do we' 32 report verify --pubkey our.pub text

	# Encrypted, a few seconds each.
	echo "$words" | tocsin key generate --passphrase-fd 0 our2.key our2.pub \
		>said
	ok 'minisign opens our encrypted key' asked -R -s our2.key -p again.pub
	is 'and finds the same public key' "$(sed -n 2p our2.pub)" \
		"$(sed -n 2p again.pub)"
	words=$(printf 'correct horse\ncorrect horse')
	ok 'minisign -G' asked -G -p their2.pub -s their2.key
	run "minisign's encrypted key" 0 key show their2.key \
		--passphrase-fd 0 <<<'correct horse'
	has "minisign's encrypted key" "$(sed -n 2p their2.pub)" "$out"
	run 'a wrong passphrase' 32 report sign --key their2.key text \
		--passphrase-fd 0 <<<'correct horsf'
	has 'a wrong passphrase' 'wrong passphrase' "$err"
	cd ..
fi
