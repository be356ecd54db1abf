#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Says whether Rust modules for a kernel can be built against a build folder,
# and if not, what is wrong with it and what to do. Nothing but a text in the
# module (vermagic) would notice at load time that the folder is the wrong one.
#
#   scripts/check/check-kdir.sh KDIR [RUNNER]
#
# RUNNER runs the toolchain (scripts/vm/inroot for that of this project, where RUSTC
# and ARCH of the environment have no meaning).

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1--h} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

[ -n "$1" ] || die "KDIR= is empty: give the build folder of a kernel, such as /lib/modules/RELEASE/build"
KDIR=${1%/}
RUNNER=${2:-env}
[ $# = 1 ] || unset RUSTC ARCH
OURS="or use this project's own kernel: 'make modules' without KDIR"

[ -d "$KDIR" ] || die "KDIR=$KDIR is not a folder: give the build folder of a kernel, such as /lib/modules/RELEASE/build"
[ -f "$KDIR/.config" ] || [ -f "$KDIR/include/config/auto.conf" ] ||
	die "$KDIR has no .config: it is not the build folder of a configured kernel"

config() {
	# One of the two may be missing.
	cat "$KDIR/.config" "$KDIR/include/config/auto.conf" 2> /dev/null |
		sed -n "s/^$1=//p" | head -n 1 | tr -d '"' || true
}

release=$(cat "$KDIR/include/config/kernel.release" 2> /dev/null || true)
[ -n "$release" ] ||
	die "$KDIR/include/config/kernel.release is missing: run 'make prepare modules_prepare' there"
if [ "$(printf '%s\n' 7.3 "$release" | sort -V | head -n 1)" != 7.3 ]; then
	die "$KDIR is Linux $release, and 7.3 or later is needed: take a newer kernel, $OURS"
fi

if [ "$(config CONFIG_64BIT)" != y ] || [ "$(config CONFIG_CPU_BIG_ENDIAN)" = y ]; then
	die "$KDIR/.config is not for a 64-bit little-endian machine: no other is supported"
fi
if [ "$(config CONFIG_X86_64)" = y ]; then
	arch=x86
elif [ "$(config CONFIG_ARM64)" = y ]; then
	arch=arm64
else
	die "$KDIR/.config is neither for x86-64 nor for arm64: no other machine has been tried"
fi
# What the kernel's Makefile takes for a build without ARCH= is this machine.
case ${ARCH:-$(uname -m)} in
x86 | x86_64) building=x86 ;;
arm64 | aarch64) building=arm64 ;;
*) building=${ARCH:-$(uname -m)} ;;
esac
[ "$arch" = "$building" ] ||
	die "$KDIR/.config is for $arch, and the build would be for $building: add ARCH=$arch and CROSS_COMPILE=, $OURS"

[ "$(config CONFIG_RUST)" = y ] ||
	die "$KDIR/.config lacks CONFIG_RUST=y: take a kernel that was built with Rust, $OURS"

metadata="rust/libkernel.rmeta rust/libcore.rmeta rust/libmacros.so Module.symvers"
[ "$arch" = x86 ] && metadata+=" scripts/target.json"
for file in $metadata; do
	[ -s "$KDIR/$file" ] ||
		die "$KDIR/$file is missing: the headers package of this kernel lacks the Rust metadata. Run 'make prepare modules_prepare' in a tree of exactly this kernel, install the package that has them (Ubuntu: linux-lib-rust-$release), $OURS"
done

have=$("$RUNNER" "${RUSTC:-rustc}" --version 2> /dev/null | head -n 1 || true)
want=$(config CONFIG_RUSTC_VERSION_TEXT)
[ -n "$have" ] || die "there is no rustc: install '$want', which made the metadata in $KDIR"
[ "$have" = "$want" ] ||
	die "the metadata in $KDIR were made by '$want', and the compiler here is '$have': install that one and name it with RUSTC=, $OURS"

# The names that the metadata promise are those that the kernel exports. On a
# tree with another configuration or compiler, thousands differ.
promised=$(cat "$KDIR"/rust/exports_*_generated.h 2> /dev/null |
	sed -n 's/^EXPORT_SYMBOL_RUST_GPL(\(.*\));$/\1/p' |
	grep -E '^(_R|rust_helper_)' | sort -u || true)
if [ -n "$promised" ]; then
	absent=$(comm -23 <(printf '%s\n' "$promised") <(awk '{ print $2 }' "$KDIR/Module.symvers" | sort -u))
	if [ -n "$absent" ]; then
		die "$(printf '%s\n' "$absent" | wc -l) of the $(printf '%s\n' "$promised" | wc -l) Rust names in $KDIR/rust are not in its Module.symvers, such as $(printf '%s\n' "$absent" | head -n 1): the folder and the kernel do not belong together. Make it anew from the source and the configuration of the kernel, $OURS"
	fi
	printf '%s: Linux %s, %s, %s Rust names agree\n' "$KDIR" "$release" "$want" \
		"$(printf '%s\n' "$promised" | wc -l)"
else
	printf '%s: Linux %s, %s; it has no list of Rust names to compare\n' "$KDIR" "$release" "$want"
fi
