# SPDX-License-Identifier: GPL-2.0-or-later
# The same with rpm(8), whose database this very rpm has written: sourced by
# run, after a generation that knows of rpm itself.

# rpm_package VERSION: a package of a file, a link, a setuid program, a folder.
rpm_package() {
	cat >"$root/tocsin/x.spec" <<-SPEC
		Name: tocsin-test
		Version: $1
		Release: 1
		Summary: test
		License: none
		BuildArch: noarch
		%description
		test
		%install
		mkdir -p %{buildroot}/etc/tocsin-test.d/sub %{buildroot}/etc
		echo "content $1" >%{buildroot}/etc/tocsin-test.d/file
		echo "program $1" >%{buildroot}/etc/tocsin-test.d/program
		echo "setting" >%{buildroot}/etc/tocsin-test.conf
		ln -s file %{buildroot}/etc/tocsin-test.d/link
		%files
		%dir /etc/tocsin-test.d
		%dir /etc/tocsin-test.d/sub
		/etc/tocsin-test.d/file
		/etc/tocsin-test.d/link
		%attr(4755,root,root) /etc/tocsin-test.d/program
		%config(noreplace) /etc/tocsin-test.conf
	SPEC
	inside rpmbuild --quiet -bb --define '_topdir /tocsin/rpmbuild' \
		/tocsin/x.spec >>"$root/tocsin/apt.log" 2>&1
	inside rpm --dbpath /var/lib/rpm "$2" --nodeps \
		"/tocsin/rpmbuild/RPMS/noarch/tocsin-test-$1-1.noarch.rpm" \
		>>"$root/tocsin/apt.log" 2>&1
}

rpm_sequence() {
	rpm_package 1 -i || die 'rpm -i'
	explained rpm-install
	rpm_package 2 -U || die 'rpm -U'
	explained rpm-upgrade
	# Not quite what the database says.
	echo more >>"$root/etc/tocsin-test.d/file"
	ln -sfn program "$root/etc/tocsin-test.d/link"
	chmod 4777 "$root/etc/tocsin-test.d/program"
	echo mine >>"$root/etc/tocsin-test.conf"
	baseline check --format ndjson --pubkey /tocsin/pub \
		>"$root/tocsin/rpm" || :
	[ "$(jq -r 'select(.path)|.explained // "-"' "$root/tocsin/rpm" |
		sort | uniq -c | tr -d ' ')" == 4- ] ||
		{ fail 'rpm: what was changed afterwards'; cat "$root/tocsin/rpm"; }
	baseline restore --reason test --pubkey /tocsin/pub /etc/tocsin-test.d/file \
		/etc/tocsin-test.d/link /etc/tocsin-test.d/program /etc/tocsin-test.conf \
		>/dev/null || fail 'rpm: restore'
	inside rpm --dbpath /var/lib/rpm -e tocsin-test 2>/dev/null
	explained rpm-erase
}
