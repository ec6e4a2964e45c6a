# SPDX-License-Identifier: GPL-2.0-or-later
# The fanotify sensor by itself: every act, places that come and go, load.
"/tocsin/${ACT%/*}/fan_sensor" ${FAN_TESTS-}
