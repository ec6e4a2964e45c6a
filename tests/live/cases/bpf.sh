# SPDX-License-Identifier: GPL-2.0-or-later
# The BPF sensor by itself: processes, sockets, volume.
"/tocsin/${ACT%/*}/bpf_sensor"
