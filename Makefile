# SPDX-License-Identifier: GPL-2.0
#
# One command for each thing to do; 'make help' lists them. The scripts do the
# work. Kbuild, not this file, says what the modules are made of.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
# Not 'modules', as in the kernel: for somebody who looks around, that would
# download 600 MB.
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Shells see the path before a script can say what is wrong with it.
ifneq ($(words $(abspath $(lastword $(MAKEFILE_LIST))))$(shell pwd | grep '[`$$&|;"()<>'\'']'),1)
$(error the kernel's build cannot cope with spaces and signs in a path: move this project)
endif
TOP := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
S := $(TOP)/scripts
export KERNEL MIRROR ACCEL CYCLES FUZZ MUTATIONS SEED
# Not ARCH: make hands on what it was given, and the kernel's Makefile does not expect an
# empty one.

.PHONY: help new rm test run check check-debug soak fuzz mutate clients bench bundle vm shell trace \
	paths nlpath info prepare \
	update build series check-series has-cmd has-name \
	modules modules_install rust-analyzer regen lint doc clean distclean

help:
	@echo 'In a virtual machine with a stock kernel of Debian (prepared on first use):'
	@echo '  run              Load nlpeer and show it answering, step by step'
	@echo '  check            All checks: lint, what must not compile, what the generator makes,'
	@echo '                   the virtual machine from outside, the selftests in it, the'
	@echo '                   ports against the families of the kernel'
	@echo '  check-debug      The tests and more under a kernel with KASAN, lockdep, kmemleak and'
	@echo '                   failing allocations (built once in 20 minutes; then 25 to run)'
	@echo '  soak             Load and unload nlpeer 1,000 times under load, and a module that fails;'
	@echo '                   CYCLES= how often'
	@echo '  fuzz             Send a million requests to the families; FUZZ= how many, SEED= others'
	@echo '  mutate           Give 10,000 specs with errors to the generator, in some minutes;'
	@echo '                   MUTATIONS= how many, SEED= others (a part of check-debug as well)'
	@echo "  vm CMD='...'     One command, with nlpeer loaded; DIR= a folder to run it in,"
	@echo '                   OUT= where what it writes to $$OUT comes back (.build/out)'
	@echo '                   (scripts/vm/vm.sh --help has more, and hands on the exit status)'
	@echo '  shell            A shell, with nlpeer loaded; DIR= and OUT= as above'
	@echo '  clients          Netlink clients of other authors against nlpeer: makes the table of'
	@echo '                   selftests/clients/README.md (PyPI, crates.io, Debian: 700 MB in'
	@echo '                   .build)'
	@echo '  bundle           Archives that run a command beside nlpeer on any machine with QEMU'
	@echo '                   (.build/bundle: 20 MB, and 100 MB with Python and the usual tools)'
	@echo '  bench            What nlpeer costs beside families in C, in instructions'
	@echo "  trace CMD='...'  The kernel functions that a netlink command passes through"
	@echo '                   (HTML=FILE writes a page with a picture, SVG=FILE the picture, JSON=FILE;'
	@echo '                   DIR= as above, FULL=1 all messages whole, TIMES=1, ONLY=TEXT the calls'
	@echo '                   that have it in them, TIMEOUT=S; Ctrl-C shows what was seen until then)'
	@echo '  paths            The 16 paths of netlink, in Linux 4.20 and as seen now (.build/paths)'
	@echo '  nlpath           The tracer in one file, for other machines (.build/nlpath)'
	@echo '  info             The kernel and the tools that are used, and why'
	@echo
	@echo 'The modules:'
	@echo '  modules          Build them; KDIR= for a kernel of your own'
	@echo '  modules_install  Install them for KDIR (INSTALL_MOD_PATH= as in the kernel),'
	@echo '                   nlpeer with NLPEER=1 only'
	@echo '  rust-analyzer    Write rust-project.json for your editor'
	@echo '  new NAME=foo     Make a small family of your own that works, to be changed'
	@echo '  rm NAME=foo      Remove a family that new has made; asks first where it was changed'
	@echo '  test NAME=foo    Build, and run the test of one family in the virtual machine'
	@echo '  regen            Write the generated files anew from the specs'
	@echo '  lint             The checks that need no virtual machine'
	@echo '  series           Patches that put rust/genl into the tree of the kernel, with a cover'
	@echo '                   letter (.build/series); lists them, and what checkpatch says'
	@echo '  check-series     Apply them to a pristine source, compile the kernel crate, its tests'
	@echo '                   and its examples after each of them, and boot and test a kernel with'
	@echo '                   all of them, on the basis of that of check-debug'
	@echo '  doc              The documentation of rust/genl and of the families (.build/doc)'
	@echo
	@echo '  prepare          Only what the others need (downloads 600 MB, keeps 6 GB)'
	@echo '  update           The same with the newest kernel of the archive'
	@echo '  clean            Remove what was built from the sources of this project'
	@echo '  distclean        Remove all that was made: the folder .build'
	@echo
	@echo 'Choices, for each command: KERNEL=RELEASE or KERNEL=cloud-amd64|amd64|rt-amd64,'
	@echo '                           ACCEL=tcg|kvm, MIRROR=URL, ARCH=arm64 (3 GB more in .build;'
	@echo '                           not for bench, clients and check-debug)'

prepare:
	@$(S)/vm/prepare.sh

update:
	@$(S)/vm/prepare.sh --update
	@$(S)/vm/prepare.sh --prune

# Everything below needs it; when it is there already this takes no time.
build: prepare
	@$(S)/vm/build.sh

run:
	@$(S)/vm/run.sh

check: prepare
	@$(S)/check/check.sh

check-debug: prepare
	@$(S)/check/check-debug.sh

soak: build
	@$(S)/check/soak.sh

fuzz: build
	@$(S)/check/fuzz.sh

mutate: prepare
	@$(S)/gen/tests/mutate.sh

clients: prepare
	@$(S)/check/clients.sh

lint: build
	@$(S)/check/lint.sh

bench: prepare
	@$(S)/check/bench.sh

bundle: build
	@$(S)/bundle/bundle.sh

# What make would expand in a command is meant for the shell of the guest.
vm shell trace: override export CMD := $(value CMD)
vm shell trace: override export DIR := $(value DIR)
vm shell trace: override export OUT := $(value OUT)
trace: override export HTML := $(value HTML)
trace: override export JSON := $(value JSON)
trace: override export SVG := $(value SVG)
trace: override export FULL := $(value FULL)
trace: override export TIMES := $(value TIMES)
trace: override export ONLY := $(value ONLY)
trace: override export TIMEOUT := $(value TIMEOUT)

has-cmd:
	@[ -n "$$CMD" ] || { echo "error: say which command: make vm CMD='genl ctrl list', make trace CMD='...'" >&2; exit 2; }

vm: has-cmd build
	@$(S)/vm/vm.sh --cmd "$$CMD" $${DIR:+--dir "$$DIR"} $${OUT:+--out "$$OUT"}

shell: build
	@$(S)/vm/vm.sh --shell $${DIR:+--dir "$$DIR"} $${OUT:+--out "$$OUT"}

trace: has-cmd build
	@$(S)/path/trace.sh $${HTML:+--html "$$HTML"} $${SVG:+--svg "$$SVG"} $${JSON:+--json "$$JSON"} \
		$${DIR:+--dir "$$DIR"} $${FULL:+--full} $${TIMES:+--times} $${ONLY:+--only "$$ONLY"} \
		$${TIMEOUT:+--timeout "$$TIMEOUT"} -- "$$CMD"

paths: build
	@$(S)/path/trace.sh --paths

nlpath: prepare
	@$(S)/path/trace.sh --nlpath

info:
	@$(S)/vm/info.sh

# For a kernel of one's own, in the ordinary way and with one's own tools; else
# for that of the guest, in the toolchain root.
ifneq ($(origin KDIR),undefined)
# The files of a build may be in another folder than its Makefile.
output := $(shell $(S)/check/check-kdir.sh --output "$(KDIR)" 2> /dev/null)
MO ?= $(TOP)/.build/own/$(shell cat $(output)/include/config/kernel.release 2> /dev/null || echo unknown)
kbuild = $(MAKE) -C $(KDIR) M=$(TOP) MO=$(abspath $(MO))

modules:
	@$(S)/check/check-kdir.sh "$(KDIR)"
	@mkdir -p $(MO)
	+$(kbuild) modules

modules_install:
	+@$(S)/kdir/install.sh "$(KDIR)" "$(abspath $(MO))"

# An editor is needed most where something does not compile yet.
rust-analyzer:
	@$(S)/check/check-kdir.sh "$(KDIR)"
	@mkdir -p $(MO)
	+$(kbuild) -k modules || echo "Not all modules can be built yet: rust-analyzer will say the same." >&2
	+$(kbuild) rust-analyzer
	@$(S)/kdir/rust_analyzer.py "$(output)" "$(abspath $(MO))"
else
modules: prepare
	@$(S)/vm/build.sh modules

modules_install:
	@echo "error: say for which kernel: make modules_install KDIR=/lib/modules/RELEASE/build" >&2; exit 2

rust-analyzer: prepare
	@$(S)/vm/build.sh -k modules || echo "Not all modules can be built yet: rust-analyzer will say the same." >&2
	@$(S)/vm/build.sh rust-analyzer
	@$(S)/kdir/rust_analyzer.py --tests $$(. $(S)/lib.sh && \
		echo "$$(readlink -f "$$CURRENT")/build" "$$BUILD/mod/$$(readlink "$$CURRENT")")
endif

new: prepare
	@$(S)/gen/new.sh $(NAME)

rm: prepare
	@$(S)/gen/rm.sh $(NAME)

has-name:
	@[ -n "$(NAME)" ] || { echo "error: say which family: make test NAME=foo" >&2; exit 2; }
	@[ -e "$(TOP)/selftests/$(NAME)/nl_$(NAME).py" ] || \
		{ echo "error: there is no selftests/$(NAME)/nl_$(NAME).py: 'make new NAME=$(NAME)' makes a family and its test" >&2; exit 2; }

test: has-name build
	@$(S)/vm/vm.sh --no-load --cmd 'cd /genl/selftests && NLPEER_MODULES=/genl/mod exec ./run_tests.sh ./nl_$(NAME).py'

series: prepare
	@$(S)/series/series.sh

check-series: prepare
	@$(S)/series/check-series.sh

doc: build
	@$(S)/check/doc.sh

regen: prepare
	@$(S)/gen/regen.sh

clean:
	@$(S)/vm/clean.sh

distclean:
	@$(S)/vm/clean.sh --all
