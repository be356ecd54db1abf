#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tries what is said of build folders in which something is wrong, as TAP. Each is
# that of the guest's kernel, but for one thing.
#
#   scripts/kdir/kdir_test.sh

set -euo pipefail
. "$(dirname "$0")/../lib.sh"
. "$TOP/selftests/lib/ktap.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

inroot=$TOP/scripts/vm/inroot
version=$("$inroot" rustc --version)
work=$(mktemp -d "$BUILD/kdir_test.XXXXXX")
trap 'rm -rf "$work"' EXIT
kdir=$work/kdir

base=$(readlink -f "$CURRENT")/build
release=$(cat "$base/include/config/kernel.release")

# All in it are links: a case removes them or puts files in their places.
make_kdir() {
	local dir
	rm -rf "$kdir"
	mkdir "$kdir"
	for dir in . include include/config rust scripts scripts/basic; do
		[ "$dir" = . ] || { rm "$kdir/$dir" && mkdir "$kdir/$dir"; }
		find "$base/$dir" -mindepth 1 -maxdepth 1 -exec ln -s -t "$kdir/$dir" {} +
	done
	rm "$kdir/Makefile"
	sed "s|= $base\$|= $kdir|" "$base/Makefile" > "$kdir/Makefile"
}

# said TEXT COMMAND...: what is said of a folder after the command.
said() {
	local want=$1 output rc=0
	shift
	make_kdir
	(cd "$kdir" && "$@")
	output=$("$TOP/scripts/check/check-kdir.sh" "$kdir" "$inroot" 2>&1) || rc=$?
	case $want:$rc in
	error*:0) ;;
	error* | *:0) [[ $output != *"$want"* ]] || return 0 ;;
	esac
	printf '# status %s: %s\n' "$rc" "$output"
	return 1
}

empty() {
	local output
	! output=$(make -C "$TOP" modules KDIR= 2>&1) && [[ $output == *"error: KDIR= is empty"* ]]
}

# elsewhere TEXT OUTPUT: what is said of a folder that has a Makefile only, which
# names another one.
elsewhere() {
	local output rc=0
	make_kdir
	rm -rf "$work/other"
	mkdir "$work/other"
	sed "s|= $base\$|= $2|" "$base/Makefile" > "$work/other/Makefile"
	output=$("$TOP/scripts/check/check-kdir.sh" "$work/other" "$inroot" 2>&1) || rc=$?
	[[ $output != *"$1"* ]] || return 0
	printf '# status %s: %s\n' "$rc" "$output"
	return 1
}

# The words of rustup 1.28 where no toolchain was chosen.
rustup() {
	cat > "$work/rustc" <<-'RUSTC'
		#!/bin/sh
		echo "error: rustup could not choose a version of rustc to run" >&2
		echo "help: run 'rustup default stable' to download the latest stable release of Rust" >&2
		exit 1
	RUSTC
	chmod +x "$work/rustc"
	make_kdir
	local output
	! output=$(RUSTC="$work/rustc" "$TOP/scripts/check/check-kdir.sh" "$kdir" 2>&1) &&
		[[ $output == *"error: rustup could not choose"*"help: run 'rustup default stable'"* ]]
}

# libraries: the crates of this kernel, and the macros. The kernel makes them for
# modules alone.
mapfile -t libraries < <(cd "$base" && ls rust/lib*.rmeta rust/lib*.so)

echo "TAP version 13"
echo "1..$((17 + ${#libraries[@]}))"
result "kdir: one that will do" said "Linux $release, $version; 2835 Rust names agree" true
result "kdir: without a list of names" said "it has no list of Rust names to compare" \
	sh -c 'rm rust/exports_*_generated.h'
result "kdir: with the configuration in auto.conf" said "Rust names agree" \
	rm .config
result "kdir: no configuration" said "error: $kdir has no .config" \
	rm .config include/config/auto.conf
result "kdir: not prepared" said "error: $kdir/include/config/kernel.release is missing" \
	rm include/config/kernel.release
result "kdir: too old" said "error: $kdir is Linux 6.12.1, and 7.3 or later is needed" \
	sed -i 's/.*/6.12.1/' include/config/kernel.release
result "kdir: for another machine" said "error: $kdir/.config is for arm64" \
	sed -i s/CONFIG_X86_64=/CONFIG_ARM64=/ .config include/config/auto.conf
result "kdir: for a machine that is not supported" said "error: $kdir/.config is not for a 64-bit" \
	sed -i /CONFIG_64BIT=/d .config include/config/auto.conf
result "kdir: without Rust" said "error: $kdir/.config lacks CONFIG_RUST=y" \
	sed -i /CONFIG_RUST=/d .config include/config/auto.conf
for library in "${libraries[@]}"; do
	result "kdir: without $library" said "error: $kdir/$library is missing" rm "$library"
done
result "kdir: a file that is no metadata" said "error[E0786]: found invalid metadata files for crate \`ffi\`" \
	sed -i 's/.*/x/' rust/libffi.rmeta
result "kdir: without a tool of the build" said "error: no Rust module can be compiled with what is in $kdir." rm scripts/basic/fixdep
result "kdir: made by another rustc" said "error: the metadata in $kdir were made by 'rustc 1.0.0'" \
	sed -i 's/rustc [0-9][^"]*/rustc 1.0.0/' .config include/config/auto.conf
result "kdir: of another kernel" said "error: 1 of the 2835 Rust names in $kdir/rust are not in its" \
	sed -i 0,/_RNv/s//_RNx/ Module.symvers
result "kdir: no folder" said "error: KDIR=$kdir is not a folder" rm -rf "$kdir"
result "kdir: an empty word" empty
result "kdir: rustup without a toolchain, in its own words" rustup
result "kdir: its files are in another folder" elsewhere "$kdir: Linux $release" "$kdir"
result "kdir: its files are nowhere" elsewhere "error: $work/other/Makefile cannot be used: specified kernel directory" /nowhere


[ "$failures" = 0 ]
