#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel of 'make check-series': the source with all patches of .build/series,
# configured as the kernel of 'make check-debug' and with what scripts/series/series.config
# names. It is one more kernel of .build/kernel, which KERNEL=series chooses for
# scripts/vm/vm.sh, and beside it are nlpeer and the modules of the tests, built with the
# framework that is in its tree.
#
#   scripts/series/kernel.sh
#
# The kernel of 'make check-debug' is built first, if it is not there yet. This one begins
# with a copy of its objects, and compiles what the patches change. A build that was killed
# goes on where it was.

set -euo pipefail
case ${1:-} in
'') ;;
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
*)
	echo "error: unknown option '$1': see scripts/series/kernel.sh --help" >&2
	exit 1
	;;
esac
. "$(dirname "$0")/../vm/debug-kernel.sh"

only_x86 "'make check-series'"
OUT=$BUILD/series
DEBUG=$DIR
RELEASE=${RELEASE%-debug}-series
DIR=$BUILD/kernel/$RELEASE
FRAGMENT=$OUT/config
MOD=$BUILD/mod/$RELEASE
# MiB, as measured, and some more.
SERIES_NEEDS=1800
# Lines that the build prints, for the progress.
SERIES_LINES=150

# The patched source is seen where that of the objects was, so that the commands are the same.
kmake() {
	inroot --bind "$OUT/src" "$SOURCE" make -C "$SOURCE" O="$DIR/build" LLVM=1 "$@"
}

# put FILE PLACE: a copy, which is new.
put() {
	install -D -m "$(stat -c %a "$1")" "$1" "$2"
}

# The files that the patches change, one a line.
changed() {
	sed -n 's,^diff --git a/\(\S*\) b/.*,\1,p' "$OUT"/0*.patch | sort -u
}

# A file of the source that is the same as before stays as old as it was, so that what is
# made of it is not made anew. Links into the source that was prepared are never written to.
patch_source() {
	local file patch
	rm -rf "$OUT/patched"
	mkdir -p "$OUT/patched"
	changed > "$OUT/changed.new"
	while read -r file; do
		[ ! -e "$SOURCE/$file" ] || put "$SOURCE/$file" "$OUT/patched/$file"
	done < "$OUT/changed.new"
	for patch in "$OUT"/0*.patch; do
		[[ $patch = */0000-* ]] ||
			GIT_CEILING_DIRECTORIES=$OUT git -C "$OUT/patched" apply "$patch"
	done
	if [ ! -e "$OUT/changed" ]; then
		rm -rf "$OUT/src"
		cp -al "$SOURCE" "$OUT/src"
		: > "$OUT/changed"
	fi
	sort -u "$OUT/changed.new" "$OUT/changed" |
		while read -r file; do
			if [ ! -e "$OUT/patched/$file" ]; then
				rm -f "$OUT/src/$file"
				# One that no patch changes any more.
				[ ! -e "$SOURCE/$file" ] || put "$SOURCE/$file" "$OUT/src/$file"
			elif ! cmp -s "$OUT/patched/$file" "$OUT/src/$file"; then
				rm -f "$OUT/src/$file"
				put "$OUT/patched/$file" "$OUT/src/$file"
				# make does not know that examples are in there.
				[[ $file != *.md ]] || rm -f "$DIR/build/rust/doctests_kernel_generated.rs"
			fi
		done
	mv "$OUT/changed.new" "$OUT/changed"
	rm -rf "$OUT/patched"
}

configure_series() {
	rm -f "$DIR/stamp" "$DIR/guest/stamp"
	if ! is_fresh "$DIR/from" "$(cat "$DEBUG/stamp")"; then
		rm -rf "$DIR"
		mkdir -p "$DIR"
		ln -s ../../series/src "$DIR/src"
		cp -a "$DEBUG/build" "$DIR/build"
		# Where the name of the folder is a part of a command, it would be another one: all
		# that objtool has looked at is made anew when that is.
		grep -rlZF --include='.*.cmd' --include='.*.d' "$DEBUG/build" "$DIR/build" |
			xargs -0 sed -i "s,$DEBUG/build,$DIR/build,g"
		cp "$DEBUG/stamp" "$DIR/from"
	fi
	# Kconfig would take what is said last, and warn.
	grep -v '^CONFIG_LOCALVERSION=' "$TOP/scripts/vm/debug.config" > "$FRAGMENT"
	cat "$TOP/scripts/series/series.config" >> "$FRAGMENT"
	kmake KCONFIG_ALLCONFIG="$FRAGMENT" allnoconfig
	check_config
}

install_series() {
	rm -rf "$DIR/modules" "$DIR/vmlinux"
	kmake INSTALL_MOD_PATH="$DIR/modules" modules_install
	rm -f "$DIR/modules/lib/modules/$RELEASE/build"
	inroot llvm-strip --strip-all -o "$DIR/vmlinux" "$DIR/build/vmlinux"
	printf '%s: the source of %s with the series\n' "$RELEASE" "$BASE" > "$STATE/why-for-series"
	ln -sfn "$RELEASE" "$BUILD/kernel/link.tmp"
	mv -T "$BUILD/kernel/link.tmp" "$BUILD/kernel/for-series"
	printf '%s\n' "$1" > "$DIR/stamp"
}

# The modules of the tests; those whose source is the same are not compiled anew.
modules() {
	local tree=$MOD.tree file
	rm -rf "$OUT/modules.new"
	inroot "$TOP/scripts/series/series.py" --modules "$OUT/modules.new"
	mkdir -p "$OUT/modules" "$MOD"
	(cd "$OUT/modules.new" && find . -type f) | while read -r file; do
		cmp -s "$OUT/modules.new/$file" "$OUT/modules/$file" ||
			install -D "$OUT/modules.new/$file" "$OUT/modules/$file"
	done
	rm -rf "$OUT/modules.new" "$tree"
	kmake -j"$(nproc)" M="$OUT/modules" MO="$MOD" W=1 modules
	cp "$DIR/modules/lib/modules/$RELEASE/kernel/samples/rust/rust_genl.ko" "$MOD/"
	mkdir -p "$tree.tmp/lib/modules"
	cp -rs "$DIR/modules/lib/modules/$RELEASE" "$tree.tmp/lib/modules/"
	install -D -m 644 "$MOD/nlpeer.ko" "$tree.tmp/lib/modules/$RELEASE/updates/nlpeer.ko"
	inroot depmod -b "$tree.tmp" "$RELEASE"
	touch "$tree.tmp/stamp"
	mv "$tree.tmp" "$tree"
}

series_hash() {
	{
		echo "$TOP"
		cat "$DEBUG/stamp"
		(cd "$OUT/src" && while read -r file; do sha256sum "$file"; done < "$OUT/changed")
		grep -E '^(# )?CONFIG_' "$TOP/scripts/series/series.config"
		code_of kmake configure_series compile install_series
	} | hash_of
}

build() {
	[ -e "$DIR/build/vmlinux" ] || disk "$SERIES_NEEDS"
	step "$RELEASE: source" patch_source
	if ! is_fresh "$DIR/stamp" "$(series_hash)"; then
		step "$RELEASE: configuration" configure_series
		STEP_LINES=$SERIES_LINES step "$RELEASE: kernel" compile
		step "$RELEASE: image and modules" install_series "$(series_hash)"
	fi
	is_fresh "$DIR/guest/stamp" "$(guest_kernel_hash)" ||
		step "$RELEASE: YNL for the guest" make_guest_kernel "$RELEASE" "$(guest_kernel_hash)"
	step "$RELEASE: nlpeer and the modules of the tests" modules
}

"$TOP/scripts/vm/debug-kernel.sh"
[ -e "$OUT/0000-cover-letter.patch" ] || "$TOP/scripts/series/series.sh" --list
locked lock "another preparation or build" build
