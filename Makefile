# SPDX-License-Identifier: GPL-2.0-or-later
# Tocsin. On a fresh Debian or Ubuntu machine these two do everything:
#
#	make run	install what is missing, build, watch this host
#	make check	the same for the tests, then all of them
#
# Others: all (builds ./tocsin), unit, cli, corpus, live (root),
# layers, format, bench RULES=… (root), fuzz T=… SECONDS=…, soak SECONDS=… EXECS=…
# FILES=… (root), check-asan, check-tsan, check-valgrind, check-clang,
# check-faults SAMPLE=…, check-fresh CHECK=… (root), check-packages (root), install
# DESTDIR= PREFIX=, deb (a Debian package in build-deb), check-deb (root), clean.
# Variables: B (build folder), CC, OPT, SANITIZE, WERROR=1, ONLY=rules_ (unit),
# CASES="motd cat" (live), KILLS=300 SEED=1 (cli: how many kills of baselines).
.DEFAULT_GOAL := all

CLANG ?= clang
B ?= build
PREFIX ?= /usr/local
RULES_SHIPPED = $(PREFIX)/share/tocsin/rules/linux
# Ubuntu's /usr/sbin/bpftool is a wrapper that wants the running kernel's own.
BPFTOOL ?= $(firstword $(wildcard /usr/lib/linux-tools/*/bpftool \
	/usr/lib/linux-tools-*/bpftool /usr/sbin/bpftool) bpftool)
MACHINE := $(shell uname -m)
BPF_ARCH_x86_64 := x86
BPF_ARCH_aarch64 := arm64
BPF_ARCH_riscv64 := riscv
BPF_ARCH_s390x := s390
BPF_ARCH_ppc64le := powerpc

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wconversion -Wno-sign-conversion -Wformat=2 -Wundef \
	$(if $(WERROR),-Werror)
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE \
	-D_FORTIFY_SOURCE=2 $(if $(filter x86_64,$(MACHINE)),-fcf-protection)
OPT ?= -O2 -g
# The same program wherever it is built.
NOWHERE := -ffile-prefix-map=$(CURDIR)=.
CFLAGS_ALL = -std=gnu11 -D_GNU_SOURCE -I. -I$B $(OPT) $(WARN) $(HARDEN) \
	$(NOWHERE) \
	-DRULES_SHIPPED='"$(RULES_SHIPPED)"' $(SANITIZE) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE) $(LDFLAGS)
LIBS := -linotifytools -lseccomp -ljansson -lsodium -lgcrypt -lsqlite3 \
	-lzstd -lyaml -lpcre2-8 -lsystemd -lbpf -lelf -lz -lm

# ---- the program ----------------------------------------------------------

# Rooms, floor first: each may use those to its left.
ROOMS := scan rules baselines fim
objects = $(patsubst %.c,$B/%.o,$(sort $(wildcard $(1)/*.c)))
LIBRARIES := $(foreach r,$(ROOMS),$(if $(wildcard $r/*.c),$B/lib$r.a))
# The linker wants users before used.
link_order = $(foreach r,fim baselines rules scan,$(filter $B/lib$r.a,$(1)))
# ./tocsin is the plain build; variants keep theirs in their own folder.
PROGRAM := $(if $(filter build,$B),,$B/)tocsin

all: $(PROGRAM)

$(PROGRAM): $B/fim/main.o $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -o $@ $B/fim/main.o \
		$(call link_order,$(LIBRARIES)) $(LIBS)

define library
$B/lib$(1).a: $(filter-out $B/fim/main.o,$(call objects,$(1)))
	@rm -f $$@
	$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call library,$r)))

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Kernel programs: CO-RE objects, carried inside the program as a skeleton.
BPF_OBJECTS := $(patsubst %.bpf.c,$B/%.bpf.o,$(wildcard fim/bpf/*.bpf.c))
$B/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -target bpf -D__TARGET_ARCH_$(BPF_ARCH_$(MACHINE)) -O2 -g \
		-Wall -Wextra -Wno-unused-parameter $(NOWHERE) \
		$(if $(WERROR),-Werror) -I. \
		-I/usr/include/$(MACHINE)-linux-gnu -MMD -MP -c -o $@ $<
$B/%.skel.h: $B/%.bpf.o
	$(BPFTOOL) gen skeleton $< > $@.tmp && mv $@.tmp $@
$B/fim/sensor_bpf.o: $(patsubst $B/%.bpf.o,$B/%.skel.h,$(BPF_OBJECTS))

# The look of reports, as one string.
$B/fim/report.css.h: fim/report.css
	@mkdir -p $(@D)
	{ echo 'static const char report_css[] ='; \
		sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $<; echo ';'; } >$@
$B/fim/report_html.o: $B/fim/report.css.h

# ---- run, install ---------------------------------------------------------

SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)

$B/.deps $B/.deps-tests $B/.deps-bench: contrib/install-deps
	@mkdir -p $B
	contrib/install-deps $(patsubst .deps-%,--%,$(filter .deps-%,$(@F)))
	@touch $@

# Two makes: what the first installs, the second finds.
run: $B/.deps
	@$(MAKE) --no-print-directory all
	$(SUDO) ./tocsin watch

# tocsin.yaml(5) has its keys from the table that the program reads them by.
MAN := $(wildcard contrib/man/*.[1-8]) $B/contrib/man/tocsin.yaml.5
$B/contrib/man/keys: $B/contrib/man/keys.o $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -o $@ $< $(call link_order,$(LIBRARIES)) $(LIBS)
$B/contrib/man/tocsin.yaml.5: contrib/man/tocsin.yaml.5.in $B/contrib/man/keys
	$B/contrib/man/keys | sed -e '/^@KEYS@$$/{r /dev/stdin' -e 'd}' $< >$@

# So have the completions, from those of the command line.
SHELLS := bash zsh fish
COMPLETIONS := $(SHELLS:%=$B/contrib/completions/%)
$B/contrib/completions/tables: $B/contrib/completions/tables.o $B/libscan.a
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(COMPLETIONS): $B/contrib/completions/%: contrib/completions/%.in \
		$B/contrib/completions/tables
	$B/contrib/completions/tables $* | \
		sed -e '/^@TABLES@$$/{r /dev/stdin' -e 'd}' $< >$@
# Where each shell looks; Debian's zsh looks elsewhere for packages' own.
BASH_DIR = $(PREFIX)/share/bash-completion/completions
ZSH_DIR = $(PREFIX)/share/zsh/site-functions
FISH_DIR = $(PREFIX)/share/fish/vendor_completions.d

UNITS := $(notdir $(wildcard contrib/*.service contrib/*.timer))
install: all $(MAN) $(COMPLETIONS)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/sbin/tocsin
	cd rules && find linux -name '*.yml' -exec install -D -m 644 '{}' \
		'$(abspath $(DESTDIR)$(PREFIX))/share/tocsin/rules/{}' ';'
	install -D -m 755 contrib/sign-rules \
		$(DESTDIR)$(PREFIX)/share/tocsin/sign-rules
	install -D -m 644 contrib/report.schema.json \
		$(DESTDIR)$(PREFIX)/share/tocsin/report.schema.json
	for page in $(MAN); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done
	install -D -m 644 $B/contrib/completions/bash \
		$(DESTDIR)$(BASH_DIR)/tocsin
	install -D -m 644 $B/contrib/completions/zsh \
		$(DESTDIR)$(ZSH_DIR)/_tocsin
	install -D -m 644 $B/contrib/completions/fish \
		$(DESTDIR)$(FISH_DIR)/tocsin.fish
	for unit in $(UNITS); do \
		sed 's|@PREFIX@|$(PREFIX)|' contrib/$$unit | \
		install -D -m 644 /dev/stdin \
			$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit; \
	done
	for kind in sysusers tmpfiles; do \
		install -D -m 644 contrib/tocsin.$$kind \
			$(DESTDIR)$(PREFIX)/lib/$$kind.d/tocsin.conf; \
	done

# A Debian package, in its own build folder because the program knows PREFIX.
deb:
	@contrib/install-deps --deb
	@rm -rf build-deb/root
	@$(MAKE) --no-print-directory B=build-deb PREFIX=/usr \
		ZSH_DIR=/usr/share/zsh/vendor-completions \
		DESTDIR=build-deb/root install >/dev/null
	contrib/deb/build build-deb/root build-deb

clean:
	rm -rf build build-* tocsin

# ---- tests ----------------------------------------------------------------

# In this order: what is quick and needs no root comes first.
check: $B/.deps-tests
	@set -e; for part in layers format unit cli corpus live; do \
		$(MAKE) --no-print-directory $$part; done

layers:
	@tests/layers

# Other versions of clang-format lay some lines out differently.
FORMATTED = $(wildcard $(addsuffix /*.[ch],$(ROOMS) fim/bpf tests/* contrib/*))
format:
	@if clang-format --version 2>/dev/null | grep -q 'version 14'; then \
		clang-format --dry-run -Werror $(FORMATTED); \
	else echo 'format: not checked, no clang-format 14 here'; fi

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
	@failed=0; for t in $^; do echo "== $${t##*/}"; $$t || failed=1; done; \
	exit $$failed

# The program from outside.
cli: all $(COMPLETIONS) $(MAN) $B/tests/faults/strike.so
	@TOCSIN=$(PROGRAM) BUILT=$B tests/cli/run

# Live: real acts in private namespaces, and what the running program says.
live: all $B/tests/live/act $B/tests/live/tally $B/tests/live/server \
		$B/tests/live/flood \
		$B/tests/live/fan_sensor $B/tests/live/bpf_sensor
	$(SUDO) env TOCSIN=$(PROGRAM) ACT=$B/tests/live/act BPFTOOL=$(BPFTOOL) \
		tests/live/run $(CASES)
$B/tests/live/act $B/tests/live/tally $B/tests/live/server \
		$B/tests/live/flood: %: %.o
	$(CC) $(LDFLAGS_ALL) -o $@ $<
# One act hidden in each kind of flood, RUNS times.
flood: export RUNS ?= 100
flood: export LIVE_TIMEOUT ?= 3600
flood: CASES = flood
flood: live

FAN_TEST := $(patsubst %.c,$B/%.o,$(wildcard tests/live/fan_*.c))
$B/tests/live/fan_sensor: $(FAN_TEST) $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -o $@ $(FAN_TEST) \
		$(call link_order,$(LIBRARIES)) $(LIBS)

BPF_TEST := $(patsubst %.c,$B/%.o,$(wildcard tests/live/bpf_*.c))
$B/tests/live/bpf_sensor: $(BPF_TEST) $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -o $@ $(BPF_TEST) \
		$(call link_order,$(LIBRARIES)) $(LIBS) -pthread

# Fuzz targets: tests/fuzz/ROOM_*.c with LLVMFuzzerTestOneInput, inputs in
# tests/fuzz/corpus/ROOM_*/. `corpus` runs each input once, with any compiler;
# `fuzz` looks for new ones, with clang's libFuzzer.
FUZZ := $(filter-out corpus,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
corpus: $(addprefix $B/tests/fuzz/,$(FUZZ))
	@for t in $(FUZZ); do \
		$B/tests/fuzz/$$t tests/fuzz/corpus/$$t || exit 1; done
$(addprefix $B/tests/fuzz/,$(FUZZ)): %: %.o $B/tests/fuzz/corpus.o $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -o $@ $< $B/tests/fuzz/corpus.o \
		$(call link_order,$(LIBRARIES)) $(LIBS)

SECONDS ?= 60
fuzz:
	@test -f tests/fuzz/$(T).c || { echo 'usage: make fuzz T=NAME [SECONDS=60]; NAME one of: $(FUZZ)'; exit 1; }
	@$(MAKE) --no-print-directory B=build-fuzz CC=$(CLANG) OPT='-O1 -g' \
		SANITIZE='-fsanitize=address,undefined,fuzzer-no-link \
			-fno-sanitize-recover=undefined' \
		build-fuzz/tests/fuzz/$(T).fuzz
	@mkdir -p build-fuzz/corpus/$(T)
	build-fuzz/tests/fuzz/$(T).fuzz -max_total_time=$(SECONDS) \
		build-fuzz/corpus/$(T) $(wildcard tests/fuzz/corpus/$(T))
$B/tests/fuzz/%.fuzz: $B/tests/fuzz/%.o $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $< \
		$(call link_order,$(LIBRARIES)) $(LIBS)

# The same tests with the sanitizers, and with the other compiler.
check-asan: $B/.deps-tests
	@$(MAKE) --no-print-directory B=build-asan OPT='-O1 -g' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' \
		all unit corpus
# Races: what has threads, and walks over a tree that changes meanwhile.
TSAN = $(MAKE) --no-print-directory B=build-tsan OPT='-O1 -g' \
	SANITIZE='-fsanitize=thread'
check-tsan: $B/.deps-tests
	@$(TSAN) all
	@set -e; for t in scan_walk baselines_heart fim_hurry; do \
		$(TSAN) unit ONLY=$$t; done
	@TOCSIN=build-tsan/tocsin tests/races
# What was never written and is read, and what is never freed.
check-valgrind: $B/.deps-tests
	@$(MAKE) --no-print-directory all unit-programs
	@BUILT=$B tests/valgrind $(filter $B/tests/unit/$(ONLY)%,$(UNIT))
unit-programs: $(UNIT)
check-clang: $B/.deps-tests
	@$(MAKE) --no-print-directory B=build-clang CC=$(CLANG) all unit
# Its sanitizer sees what gcc's does not, such as an offset from a null pointer.
	@$(MAKE) --no-print-directory B=build-clang-ubsan CC=$(CLANG) \
		OPT='-O1 -g' SANITIZE='-fsanitize=undefined \
			-fno-sanitize-recover=undefined' \
		unit corpus

# Each call of a kind fails once, in one command after the other; SAMPLE=N: some
# of each, ONLY=scan: of commands with that name.
check-faults: all $B/tests/faults/strike.so
	@TOCSIN=$(PROGRAM) STRIKE=$B/tests/faults/strike.so tests/faults/run
$B/tests/faults/strike.so: tests/faults/strike.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -fPIC -shared -Wl,-z,noexecstack -o $@ $<

# A new Debian in a folder, with only git and make: does it all work there?
check-fresh:
	$(SUDO) $(if $(CHECK),env CHECK='$(CHECK)') tests/fresh

# The Debian package in a new Debian: installed, run, removed, purged.
check-deb:
	$(SUDO) tests/deb

# Daemons installed, upgraded, removed in a new Debian; changes planted there.
check-packages: all
	$(SUDO) env TOCSIN=$(PROGRAM) tests/packages/run

# ---- benchmarks -----------------------------------------------------------

# A steady load for SECONDS; how the watcher's memory grows, and what it misses.
soak: EXECS = 2000
soak: FILES = 2000
soak: all $B/tests/live/act $B/tests/soak/load $B/tests/soak/blink
	$(SUDO) env TOCSIN=$(PROGRAM) ACT=$B/tests/live/act \
		SOAK=$B/tests/soak SOAK_SECONDS=$(SECONDS) \
		SOAK_EXECS=$(EXECS) SOAK_FILES=$(FILES) tests/soak/run
$B/tests/soak/load: %: %.o
	$(CC) $(LDFLAGS_ALL) -o $@ $<
$B/tests/soak/blink: tests/soak/blink.c
	@mkdir -p $(@D)
	$(CC) -O2 $(WARN) -static -nostdlib -o $@ $<

# Keeper and engine killed KILLS times under load; what became of the alerts.
kills: KILLS = 1000
kills: all $B/tests/live/act
	$(SUDO) env TOCSIN=$(PROGRAM) ACT=$B/tests/live/act KILLS=$(KILLS) \
		tests/kills/run

# RULES=… rules of your own beside those that it makes.
BENCH := $(patsubst tests/bench/%.c,$B/tests/bench/%,$(wildcard tests/bench/*.c))
bench: $B/.deps-bench
	@$(MAKE) --no-print-directory all $(BENCH)
	$(SUDO) env TOCSIN=$(PROGRAM) BENCH=$B/tests/bench tests/bench/run
$B/tests/bench/%: $B/tests/bench/%.o $(LIBRARIES)
	$(CC) $(LDFLAGS_ALL) -o $@ $< $(call link_order,$(LIBRARIES)) $(LIBS)

.PHONY: all run install deb clean check layers format unit cli live flood \
	corpus fuzz check-asan check-tsan check-valgrind \
	unit-programs check-clang check-fresh check-packages \
	check-deb check-faults bench soak kills
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $B -path $B/packages -prune -o -name '*.d' -type f -print 2>/dev/null)
