#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Says whether Rust modules for a kernel can be built against a build folder,
# and if not, what is wrong with it and what to do. Nothing but a text in the
# module (vermagic) would notice at load time that the folder is the wrong one.
#
#   scripts/check/check-kdir.sh [--output] KDIR [RUNNER]
#
# --output only prints the folder in which a build in KDIR finds its files: it is
# another one where the Makefile there says so (KBUILD_OUTPUT).
# RUNNER runs the toolchain (scripts/vm/inroot for that of this project, where RUSTC
# of the environment has no meaning, and ARCH names the guest's machine).

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1--h} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac
only=0
[ "$1" != --output ] || { only=1 && shift; }

[ -n "${1:-}" ] || die "KDIR= is empty: give the build folder of a kernel, such as /lib/modules/RELEASE/build"
KDIR=${1%/}
RUNNER=${2:-env}
[ $# = 1 ] || {
	unset RUSTC BINDGEN MAKEFLAGS
	ARCH=$KARCH
}
OURS="or use this project's own kernel: 'make modules' without KDIR"

[ -d "$KDIR" ] || die "KDIR=$KDIR is not a folder: give the build folder of a kernel, such as /lib/modules/RELEASE/build"

# ask VARIABLE: of the kernel's own Makefile, once it is read; nothing is made.
ask() {
	printf 'include %s/Makefile\n$(info answer $(%s))\n$(error read)\n' "$(realpath "$KDIR")" "$1" |
		"$RUNNER" make -s -C "$KDIR" M="$TOP" MO="$TOP" -f - 2>&1 || true
}

answer() {
	sed -n 's/^answer //p' <<< "$1"
}

if [ -f "$KDIR/Makefile" ]; then
	said=$(ask objtree)
	output=$(answer "$said")
	[ -n "$output" ] ||
		die "$KDIR/Makefile cannot be used: $(sed -n '/\*\*\*/ { s/.*\*\*\* //; s/  Stop\.$//; p; q }' <<< "$said")"
	if [ "$output" != "$(realpath "$KDIR")" ]; then
		[ "$only" = 1 ] || note "$KDIR/Makefile has the files of its build in $output: that is what is looked at."
		KDIR=$output
	fi
fi
[ "$only" = 0 ] || {
	printf '%s\n' "$KDIR"
	exit
}
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

# missing FILE
missing() {
	die "$KDIR/$1 is missing: the headers package of this kernel lacks the Rust metadata, or some of them. Run 'make prepare modules_prepare' in a tree of exactly this kernel, install the package that has them (Ubuntu: linux-lib-rust-$release), $OURS"
}

# The rest is seen below, by a compiler. These come first: who lacks them need not
# look for a compiler.
for file in rust/libkernel.rmeta Module.symvers; do
	[ -s "$KDIR/$file" ] || missing "$file"
done

mkdir -p "$BUILD"
work=$(mktemp -d "$BUILD/kdir.XXXXXX")
trap 'rm -rf "$work"' EXIT
want=$(config CONFIG_RUSTC_VERSION_TEXT)
if ! have=$("$RUNNER" "${RUSTC:-rustc}" --version 2> "$work/why" | head -n 1); then
	# rustup without a toolchain says what to do, and more behind it.
	die "'${RUSTC:-rustc} --version' fails, and '$want' has made the metadata in $KDIR. It says:
$(sed '/^$/Q' "$work/why")"
fi
[ "$have" = "$want" ] ||
	die "the metadata in $KDIR were made by '$want', and the compiler here is '$have': install that one and name it with RUSTC=, $OURS"

"$RUNNER" "${BINDGEN:-bindgen}" --version > /dev/null 2> "$work/why" ||
	die "there is no bindgen: install it, or name it with BINDGEN=. '${BINDGEN:-bindgen} --version' says:
$(sed '/^$/Q' "$work/why")"

# The names that the metadata promise are those that the kernel exports. On a
# tree with another configuration or compiler, thousands differ.
promised=$(cat "$KDIR"/rust/exports_*_generated.h 2> /dev/null |
	sed -n 's/^EXPORT_SYMBOL_RUST_GPL(\(.*\));$/\1/p' |
	grep -E '^(_R|rust_helper_)' | sort -u || true)
agree="it has no list of Rust names to compare"
if [ -n "$promised" ]; then
	absent=$(comm -23 <(printf '%s\n' "$promised") <(awk '{ print $2 }' "$KDIR/Module.symvers" | sort -u))
	if [ -n "$absent" ]; then
		die "$(printf '%s\n' "$absent" | wc -l) of the $(printf '%s\n' "$promised" | wc -l) Rust names in $KDIR/rust are not in its Module.symvers, such as $(printf '%s\n' "$absent" | head -n 1): the folder and the kernel do not belong together. Make it anew from the source and the configuration of the kernel, $OURS"
	fi
	agree="$(printf '%s\n' "$promised" | wc -l) Rust names agree"
fi

# What a module needs is known by its build: one that has nothing in it but each
# crate that the build hands to it, which bring those that they need themselves.
source=$(answer "$(ask abs_srctree)")
probe() {
	local crates
	crates=$(grep -oE -- '--extern [a-z_]+' "$source/scripts/Makefile.build" | cut -d ' ' -f 2 || true)
	{
		echo '//! Is compiled where a module for this kernel can be.'
		# shellcheck disable=SC2086 # words
		printf 'extern crate %s as _;\n' ${crates:-kernel pin_init}
	} > "$work/probe.rs"
	echo 'obj-m := probe.o' > "$work/Kbuild"
	# shellcheck disable=SC2046 # the words of the compilers' names
	"$RUNNER" make -s -C "$KDIR" M="$work" MO="$work" \
		$([ "$RUNNER" = env ] || compilers "$KDIR") probe.o
}

if ! probe > "$work/why" 2>&1; then
	error=$(grep -m 1 '^error' "$work/why" || grep -vE '^make\[?[0-9]*\]?: |^ *$' "$work/why" | tail -n 5 || tail -n 5 "$work/why")
	crate=$(sed -n 's/.*E0463.* crate for `\([a-z_]*\)`.*/\1/p' <<< "$error")
	if [ -n "$crate" ]; then
		# Macros are programs of the compiler; what 'make clean' removes says which.
		kind=rmeta
		! grep -qs "lib$crate\.so" "$source/Makefile" || kind=so
		missing "rust/lib$crate.$kind"
	fi
	die "no Rust module can be compiled with what is in $KDIR. Make it anew with 'make prepare modules_prepare', $OURS. The build says:
$error"
fi
printf '%s: Linux %s, %s; %s\n' "$KDIR" "$release" "$want" "$agree"
