#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tries what is said of build folders in which something is wrong, and what 'make
# modules_install' does and says, as TAP. Each folder is that of the guest's kernel,
# but for one thing.
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

# install ARGUMENTS...: 'make modules_install' into an empty root, with what the guest
# has, in the toolchain root; leaves what it says in $work/said.
mo=$BUILD/mod/$release
installed=$work/root/lib/modules/$release
install() {
	rm -rf "$work/root"
	"$inroot" make -C "$TOP" modules_install KDIR="$kdir" MO="$mo" INSTALL_MOD_PATH="$work/root" "$@" > "$work/said" 2>&1
}

# tells TEXT...: each is in it.
tells() {
	local text
	for text; do
		grep -qF -- "$text" "$work/said" && continue
		printf '# not said: %s\n' "$text"
		sed 's/^/# /' "$work/said"
		return 1
	done
}

default() {
	make_kdir
	install && tells "Installed in $installed/updates: " 'Not installed: nlpeer' &&
		grep -q '^updates/board\.ko' "$installed/modules.dep" &&
		! grep -qE 'nlpeer|genltest|genl_|nlflaws' "$installed/modules.dep"
}

# What it says is typed.
with_nlpeer() {
	local line
	line=$(sed -n '/^Not installed: nlpeer/ { n; p }' "$work/said")
	"$inroot" sh -c "$line" > "$work/said" 2>&1 && ! grep -q '^Not installed' "$work/said" &&
		"$inroot" modprobe -d "$work/root" -S "$release" -n --show-depends nlpeer | grep -q '/updates/nlpeer\.ko' &&
		! grep -qE 'nlpeer_|genltest|genl_|nlflaws' "$installed/modules.dep"
}

unsigned() {
	make_kdir
	install && tells "Not signed: there is no $kdir/output/signing_key.pem" \
		"  $kdir/scripts/sign-file sha256 KEY.pem CERT.der $mo/board.ko" \
		"depmod has run: modprobe finds them. (Without $kdir/System.map" &&
		! grep -qE 'SSL|Skipping depmod|Warning' "$work/said"
}

# make_key: one that the folder of a kernel has that was built there.
make_key() {
	mkdir "$kdir/output" "$kdir/certs"
	"$inroot" openssl req -new -x509 -nodes -newkey rsa:2048 -days 2 -subj '/CN=kdir test' \
		-keyout "$kdir/output/signing_key.pem" -outform DER -out "$kdir/certs/signing_key.x509" 2> "$work/said"
}

signed() {
	make_kdir
	make_key
	install && tells "Signed with $kdir/output/signing_key.pem" &&
		"$inroot" modinfo "$installed/updates/board.ko.xz" | grep -q '^signer: *kdir test'
}

# A key that is none.
sign_fails() {
	make_kdir
	make_key
	echo none > "$kdir/output/signing_key.pem"
	! install && tells 'Not signed: scripts/sign-file has failed' && [ -e "$installed/updates/board.ko.xz" ]
}

system_map() {
	make_kdir
	awk '{ print "ffffffff81000000 r __ksymtab_" $2 }' "$kdir/Module.symvers" > "$kdir/System.map"
	install && grep -qx 'depmod has run: modprobe finds them.' "$work/said" && ! grep -q 'unknown symbol' "$work/said"
}

no_depmod() {
	make_kdir
	! install DEPMOD=/nowhere/depmod && tells 'Not done: there is no /nowhere/depmod' \
		"  depmod -b $work/root $release" && [ -e "$installed/updates/board.ko.xz" ]
}

not_built() {
	make_kdir
	! install MO="$work/nothing" && tells "error: nothing is built yet: make modules KDIR=$kdir"
}

not_writable() {
	make_kdir
	! install INSTALL_MOD_PATH=/proc && tells 'error: not all is installed' 'with sudo, or elsewhere'
}

# libraries: the crates of this kernel, and the macros. The kernel makes them for
# modules alone.
mapfile -t libraries < <(cd "$base" && ls rust/lib*.rmeta rust/lib*.so)

ktap_print_header
ktap_set_plan $((27 + ${#libraries[@]}))
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

result "modules_install: the families, and no module of the tests" default
result "modules_install: what it says to type installs nlpeer as well" with_nlpeer
result "modules_install: no key and no System.map, in plain words" unsigned
result "modules_install: signed where there is a key" signed
result "modules_install: a key that is none" sign_fails
result "modules_install: with a System.map" system_map
result "modules_install: without depmod" no_depmod
result "modules_install: before anything is built" not_built
result "modules_install: where nothing can be written" not_writable

ktap_finished
