#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the modules and the selftests for the guest's kernel.
#
#   scripts/vm/build.sh [--mod DIR] [MAKE ARGUMENTS...]
#
# With arguments it only passes them to the build of the kernel, with this
# project as the module folder: 'scripts/vm/build.sh clean'. --mod is for another
# output folder than that of the guest's modules.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

mod=
case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
--mod) mod=$2 && shift 2 ;;
esac
[ -e "$CURRENT/stamp" ] ||
	die "nothing is prepared yet${KERNEL:+ for KERNEL=$KERNEL}${ARCH:+ for ARCH=$ARCH}: run 'make prepare'"
RELEASE=$(readlink "$CURRENT")
room "$BUILD/mod" 150
KERNEL_DIR=$BUILD/kernel/$RELEASE
GUEST_MOD=$BUILD/mod/$RELEASE
MOD=${mod:-$GUEST_MOD}

kbuild() {
	mkdir -p "$MOD"
	# shellcheck disable=SC2046 # the words of the compilers' names
	"$TOP/scripts/vm/inroot" make -C "$KERNEL_DIR/build" -j"$(nproc)" \
		M="$TOP" MO="$MOD" $(compilers "$KERNEL_DIR/build") GENL_TESTS=1 W=1 "$@"
}

selftests() {
	"$TOP/scripts/vm/inroot" make -s -C "$TOP/selftests" -j"$(nproc)" \
		${OTHER:+CC="$GNU-gcc-14"} OUTPUT="$SELFTESTS" YNL_C="$KERNEL_DIR/src/tools/net/ynl" \
		KSFT="$KERNEL_DIR/src/tools/testing/selftests" all
}

# The tree that modules_install would make, with its index, for the guest.
install_modules() {
	local tree=$GUEST_MOD.tree
	local modules=$tree.tmp/lib/modules/$RELEASE
	if [ "$tree/stamp" -nt "$KERNEL_DIR/stamp" ] &&
		cmp -s "$MOD/nlpeer.ko" "$tree/lib/modules/$RELEASE/updates/nlpeer.ko"; then
		return
	fi
	rm -rf "$tree" "$tree.tmp"
	mkdir -p "$tree.tmp/lib/modules"
	cp -rs "$KERNEL_DIR/modules/lib/modules/$RELEASE" "$modules"
	install -D -m 644 "$MOD/nlpeer.ko" "$modules/updates/nlpeer.ko"
	"$TOP/scripts/vm/inroot" depmod -b "$tree.tmp" "$RELEASE"
	touch "$tree.tmp/stamp"
	mv "$tree.tmp" "$tree"
}

all() {
	kbuild modules
	install_modules
	selftests
}

waits="another preparation or build"
if [ "$MOD" != "$GUEST_MOD" ]; then
	kbuild "$@"
elif [ $# -gt 0 ]; then
	locked lock "$waits" kbuild "$@"
else
	STEP_TAIL=100
	locked lock "$waits" step "modules and selftests" all
fi
