# SPDX-License-Identifier: GPL-2.0-or-later
# Calls that fail, a few of each kind; `make check-faults` takes all, and those
# of the watcher.
faults=$(SAMPLE=2 EXCEPT=watch STRIKE="$BUILT/tests/faults/strike.so" "$root/tests/faults/run")
code=$?
is 'calls that fail: exit code' 0 $code
is 'calls that fail' '' "$(echo "$faults" | grep '^not ok')"
has 'calls that fail: they were met' ' calls failed' "$faults"
