#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tries what scripts/check/check-kdir.sh says of build folders in which something is
# wrong, as TAP. Each is the smallest that passes, but for one thing.
#
#   scripts/check/check-kdir_test.sh

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
work=$(mktemp -d "$BUILD/kdir_trial.XXXXXX")
trap 'rm -rf "$work"' EXIT
kdir=$work/kdir

make_kdir() {
	rm -rf "$kdir"
	mkdir -p "$kdir/include/config" "$kdir/rust" "$kdir/scripts"
	echo 7.3.9-trial > "$kdir/include/config/kernel.release"
	printf '%s\n' CONFIG_64BIT=y CONFIG_X86_64=y CONFIG_RUST=y \
		"CONFIG_RUSTC_VERSION_TEXT=\"$version\"" > "$kdir/.config"
	for file in rust/libkernel.rmeta rust/libcore.rmeta rust/libmacros.so scripts/target.json; do
		echo made > "$kdir/$file"
	done
	echo 'EXPORT_SYMBOL_RUST_GPL(_RNvCs_6kernel);' > "$kdir/rust/exports_kernel_generated.h"
	printf '0x00000000\t_RNvCs_6kernel\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' > "$kdir/Module.symvers"
}

# said TEXT COMMAND...: what is said of a folder after the command.
said() {
	local want=$1 output rc=0
	shift
	make_kdir
	(cd "$kdir" && "$@")
	output=$("$TOP/scripts/check/check-kdir.sh" "$kdir" "$inroot" 2>&1) || rc=$?
	case $want:$rc in
	error:*:0) ;;
	error:* | *:0) [[ $output != *"$want"* ]] || return 0 ;;
	esac
	printf '# status %s: %s\n' "$rc" "$output"
	return 1
}

empty() {
	local output
	! output=$(make -C "$TOP" modules KDIR= 2>&1) && [[ $output == *"error: KDIR= is empty"* ]]
}

echo "TAP version 13"
echo "1..14"
result "kdir: one that will do" said "Linux 7.3.9-trial, $version, 1 Rust names agree" true
result "kdir: without a list of names" said "it has no list of Rust names to compare" \
	rm rust/exports_kernel_generated.h
result "kdir: with the configuration in auto.conf" said "1 Rust names agree" \
	mv .config include/config/auto.conf
result "kdir: no configuration" said "error: $kdir has no .config" rm .config
result "kdir: not prepared" said "error: $kdir/include/config/kernel.release is missing" \
	rm include/config/kernel.release
result "kdir: too old" said "error: $kdir is Linux 6.12.1, and 7.3 or later is needed" \
	sh -c 'echo 6.12.1 > include/config/kernel.release'
result "kdir: for another machine" said "error: $kdir/.config is for arm64" \
	sed -i s/X86_64/ARM64/ .config
result "kdir: for a machine that is not supported" said "error: $kdir/.config is not for a 64-bit" \
	sed -i /64BIT/d .config
result "kdir: without Rust" said "error: $kdir/.config lacks CONFIG_RUST=y" \
	sed -i /RUST=/d .config
result "kdir: without metadata" said "error: $kdir/rust/libkernel.rmeta is missing" \
	rm rust/libkernel.rmeta
result "kdir: made by another rustc" said "error: the metadata in $kdir were made by 'rustc 1.0.0'" \
	sed -i 's/rustc [^"]*/rustc 1.0.0/' .config
result "kdir: of another kernel" said "error: 1 of the 1 Rust names in $kdir/rust are not in its" \
	sed -i s/_RNv/_RNx/ Module.symvers
result "kdir: no folder" said "error: KDIR=$kdir is not a folder" rm -rf "$kdir"
result "kdir: an empty word" empty

[ "$failures" = 0 ]
