# SPDX-License-Identifier: GPL-2.0-or-later
# Tocsin. `make run` and `make check` do everything on a fresh machine.
.DEFAULT_GOAL := all

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
B ?= build

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wconversion -Wno-sign-conversion -Wformat=2 -Wundef
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-D_FORTIFY_SOURCE=2 -fPIE
OPT ?= -O2 -g
CFLAGS_ALL = -std=gnu11 -D_GNU_SOURCE -I. -I$B $(OPT) $(WARN) $(HARDEN) \
	$(SANITIZE) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE) $(LDFLAGS)
LIBS := -linotifytools -lseccomp -ljansson -lsodium -lgcrypt -lsqlite3 \
	-lyaml -lpcre2-8 -lbpf -lelf -lz -lm

# Rooms, floor first: each may use those to its left.
ROOMS := scan rules baselines fim
objects = $(patsubst %.c,$B/%.o,$(sort $(wildcard $(1)/*.c)))
LIBRARIES := $(foreach r,$(ROOMS),$(if $(wildcard $r/*.c),$B/lib$r.a))
# The linker wants users before used.
link_order = $(foreach r,fim baselines rules scan,$(filter $B/lib$r.a,$(1)))

all: tocsin

tocsin: $B/fim/main.o $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -o $@ $B/fim/main.o \
		$(call link_order,$(LIBRARIES)) $(LIBS)

define library
$B/lib$(1).a: $(filter-out $B/fim/main.o,$(call objects,$(1)))
	rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call library,$r)))

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Kernel programs: CO-RE objects, carried inside the program as a skeleton.
BPF_OBJECTS := $(patsubst %.bpf.c,$B/%.bpf.o,$(wildcard fim/bpf/*.bpf.c))
$B/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -target bpf -D__TARGET_ARCH_x86 -O2 -g -Wall -Wextra -I. \
		-I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c -o $@ $<
$B/%.skel.h: $B/%.bpf.o
	$(BPFTOOL) gen skeleton $< > $@.tmp && mv $@.tmp $@
$B/fim/sensor_bpf.o: $(patsubst $B/%.bpf.o,$B/%.skel.h,$(BPF_OBJECTS))

# Unit tests: tests/unit/ROOM_*.c, one cmocka program each, linked with its
# room and the rooms below.
UNIT := $(patsubst tests/unit/%.c,$B/tests/unit/%,$(wildcard tests/unit/*.c))
$B/tests/unit/%: $B/tests/unit/%.o $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -o $@ $< $(call link_order,$(LIBRARIES)) \
		-lcmocka $(LIBS)
$B/tests/unit/scan_%: $B/tests/unit/scan_%.o $B/libscan.a
	$(CC) $(LDFLAGS_ALL) -o $@ $< $B/libscan.a -lcmocka $(LIBS)
$B/tests/unit/rules_%: $B/tests/unit/rules_%.o $B/librules.a $B/libscan.a
	$(CC) $(LDFLAGS_ALL) -o $@ $< $B/librules.a $B/libscan.a -lcmocka $(LIBS)

# `make unit ONLY=rules_` runs one room's.
unit: $(filter $B/tests/unit/$(ONLY)%,$(UNIT))
	@failed=0; for t in $^; do $$t || failed=1; done; exit $$failed

clean:
	rm -rf $B tocsin

.PHONY: all unit clean
.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)
