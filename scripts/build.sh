#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the modules and the selftests for the guest's kernel.
#
#   scripts/build.sh [MAKE ARGUMENTS...]
#
# With arguments it only passes them to the build of the kernel, with this
# project as the module folder: 'scripts/build.sh clean'.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ -e "$CURRENT/stamp" ] || die "nothing is prepared yet: run 'make prepare'"
RELEASE=$(readlink "$CURRENT")
MOD=${MOD:-$BUILD/mod/$RELEASE}

kbuild() {
	local cc
	mkdir -p "$MOD"
	cc=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$CURRENT/build/.config")
	"$TOP/scripts/inroot" make -C "$(readlink -f "$CURRENT")/build" -j"$(nproc)" \
		M="$TOP" MO="$MOD" CC="$cc" HOSTCC="${cc#x86_64-linux-gnu-}" \
		GENL_TESTS=1 "$@"
}

selftests() {
	"$TOP/scripts/inroot" make -s -C "$TOP/selftests" -j"$(nproc)" \
		OUTPUT="$BUILD/selftests" all
}

# The tree that modules_install would make, with its index, for the guest.
install_modules() {
	local tree=$BUILD/mod/$RELEASE.tree
	rm -rf "$tree"
	mkdir -p "$tree/lib/modules"
	cp -rs "$(readlink -f "$CURRENT")/modules/lib/modules/$RELEASE" "$tree/lib/modules/"
	mkdir -p "$tree/lib/modules/$RELEASE/updates"
	cp "$MOD/nlpeer.ko" "$tree/lib/modules/$RELEASE/updates/"
	"$TOP/scripts/inroot" depmod -b "$tree" "$RELEASE"
}

all() {
	kbuild modules
	install_modules
	selftests
}

if [ $# -gt 0 ]; then
	kbuild "$@"
else
	locked build step "modules and selftests" all
fi
