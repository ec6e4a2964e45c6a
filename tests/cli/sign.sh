# SPDX-License-Identifier: GPL-2.0-or-later
# Keys and signatures: what is refused, with which exit code, in one line.

run 'key generate' 0 key generate --unencrypted s.key s.pub
has 'key generate' "public key  $(sed -n 2p s.pub)" "$out"
is 'key generate: modes' '600 644' \
	"$(umask 022; tocsin key generate --unencrypted m.key m.pub >/dev/null
	stat -c %a m.key m.pub | xargs)"
generated=$out
run 'key show: public' 0 key show s.pub
is 'key show: public' "$generated" "$out"
run 'key show: secret' 0 key show s.key
is 'key show: secret' "${generated/s.pub/s.key}" "$out"
run 'key show: json' 0 key show --format json s.pub
is 'key show: json' "$(sed -n 2p s.pub)" "$(jq -r .public_key <<<"$out")"

run 'key generate: nothing overwritten' 18 key generate --unencrypted s.key o.pub
has 'key generate: nothing overwritten' 's.key: exists' "$err"
is 'key generate: no half of a pair' no "$([ -e o.pub ] && echo yes || echo no)"
run 'key generate: folder missing' 18 key generate --unencrypted h.key none/h.pub
is 'key generate: secret half taken away' no \
	"$([ -e h.key ] && echo yes || echo no)"
run 'key generate: one name' 16 key generate s2.key
run 'key generate: contradiction' 16 key generate --unencrypted \
	--passphrase-fd 0 s2.key s2.pub
run 'key generate: no such descriptor' 16 key generate --passphrase-fd 77 \
	s2.key s2.pub
run 'key: no action' 16 key
run 'key: unknown action' 16 key forge
echo 'nothing like a key' >junk
run 'key show: junk' 32 key show junk
run 'key show: missing' 18 key show missing.pub
ln -s s.pub link.pub
run 'key show: link' 18 key show link.pub
has 'key show: link' 'symbolic link' "$err"

printf 'content\n' >data
run 'verify: unsigned' 32 report verify --pubkey s.pub data
is 'verify: unsigned' 'data: has no signature' "$err"
run 'sign' 0 report sign --key s.key data
is 'sign: standard output' '' "$out"
run 'verify: good' 0 report verify --pubkey s.pub data
has 'verify: good' 'good        data' "$out"
is 'verify: good: no complaint' '' "$err"
tocsin key generate --unencrypted o.key o.pub >/dev/null
run 'verify: unknown key' 32 report verify --pubkey o.pub data
has 'verify: unknown key' 'a key that is not trusted' "$err"
run 'verify: rotation' 0 report verify --pubkey o.pub --pubkey s.pub data
cp data.minisig good.minisig
echo more >>data
run 'verify: appended' 32 report verify --pubkey s.pub data
has 'verify: appended' 'data: is not what was signed' "$err"
is 'verify: appended: one line' 1 "$(wc -l <err)"
printf 'content\n' >data
sed -i '3s/timestamp:1/timestamp:2/' data.minisig
run 'verify: trusted comment changed' 32 report verify --pubkey s.pub data
has 'verify: trusted comment changed' 'trusted comment' "$err"
sed '1s/: .*/: anything at all/' good.minisig >data.minisig
run 'verify: untrusted comment changed' 0 report verify --pubkey s.pub data
head -3 good.minisig >data.minisig
run 'verify: cut' 32 report verify --pubkey s.pub data
has 'verify: cut' 'line 4' "$err"
run 'verify: several, the worst counts' 32 report verify --pubkey s.pub \
	missing data --format json
is 'verify: several as JSON' 'unreadable malformed' \
	"$(jq -r '.[].status' <<<"$out" | xargs)"
run 'verify: missing' 18 report verify --pubkey s.pub missing
run 'verify: key missing' 18 report verify --pubkey missing.pub data
run 'verify: key changed' 32 report verify --pubkey junk data
run 'verify: no key' 16 report verify data
has 'verify: no key' 'public_keys' "$err"
run 'verify: secret key given' 16 report verify --key s.key data
run 'sign: no key' 16 report sign data
run 'sign: public key' 32 report sign --key s.pub data
run 'sign: missing file' 18 report sign --key s.key missing
run 'sign: line end in the comment' 16 report sign --key s.key \
	--comment $'a\nb' data
run 'report: no action' 16 report
run 'report: html' 16 report verify --format html --pubkey s.pub data

# Keys of the configuration: only if nobody else can write them.
cp good.minisig data.minisig
printf 'public_keys: [%s]\n' "$work/s.pub" >pinned.yaml
chmod 600 pinned.yaml
chmod 644 s.pub
run 'pinned key' 0 -c pinned.yaml report verify data
chmod 664 s.pub
run 'pinned key that others may write' 32 -c pinned.yaml report verify data
has 'pinned key that others may write' 'others than root can write it' "$err"
run 'pinned key, but another is named' 32 -c pinned.yaml report verify \
	--pubkey o.pub data
