# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced, after lib.sh, by cases about what was found by looking again.
units=/etc/systemd/system
timer_rule=$(rule_id systemd_timer_created)
timer='[Timer]\nOnBootSec=1\nUnit=a.service\n'

# told FILE: rule, attribution and action of the alerts about it.
told() {
	jq -r --arg path "$1" 'select(.file.path == $path) |
		[.rule.id, .tocsin.attribution, .event.action] | join(" ")' \
		$alerts
}
has_told() { [ -n "$(told "$1")" ]; }

# is_now PID NAME: it has become that program.
is_now() { [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]; }

# closed CAUSE: the last gap with that cause: was it looked at again, and what
# has that found?
closed() {
	db "SELECT scope, cause, closed_ns > 0, changes, alerts FROM gaps
		WHERE cause LIKE '$1' ORDER BY seq DESC LIMIT 1"
}
# The watcher says so a moment before the database has it.
is_closed() { [ "$(closed "$1" | cut -d'|' -f3)" = 1 ]; }
