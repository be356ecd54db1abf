#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel of 'make check-debug': the source of the prepared kernel with
# KASAN, lockdep and what else scripts/vm/debug.config names. It becomes one more
# kernel of .build/kernel, which KERNEL=debug chooses from then on. This is done
# once, in about 20 minutes; a build that was killed goes on where it was.
#
#   scripts/vm/debug-kernel.sh

set -euo pipefail
# The kernel whose source is taken.
[ "${KERNEL:-}" != debug ] || unset KERNEL
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

case ${1:-} in
'') ;;
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
*) die "unknown option '$1': see scripts/vm/debug-kernel.sh --help" ;;
esac

FRAGMENT=$TOP/scripts/vm/debug.config
# MiB, as measured, and some more.
DEBUG_NEEDS=1800
# Lines that the build prints, for the progress.
DEBUG_LINES=1900

"$TOP/scripts/vm/prepare.sh"
BASE=$(readlink "$CURRENT")
SOURCE=$BUILD/kernel/$BASE/src
RELEASE=$(awk '/^(VERSION|PATCHLEVEL|SUBLEVEL) =/ { v = v "." $3 }
	/^EXTRAVERSION =/ { v = v $3; exit } END { print substr(v, 2) "-debug" }' "$SOURCE/Makefile")
DIR=$BUILD/kernel/$RELEASE

kmake() {
	inroot make -C "$DIR/src" O="$DIR/build" LLVM=1 "$@"
}

# Kconfig drops without a word what it does not know, or what depends on
# something that is off.
check_config() {
	local line name rc=0
	while read -r line; do
		case $line in
		CONFIG_*=*) grep -qxF -e "$line" "$DIR/build/.config" && continue ;;
		'# CONFIG_'*' is not set')
			name=${line#\# }
			name=${name%% *}
			grep -q "^$name=" "$DIR/build/.config" || continue
			;;
		*) continue ;;
		esac
		echo "error: ${FRAGMENT#"$TOP"/} wants '$line', and Kconfig does not set it"
		rc=1
	done < "$FRAGMENT"
	return "$rc"
}

configure() {
	# Objects of another source are not to be mixed with these.
	if [ "$(readlink "$DIR/src")" != "../$BASE/src" ]; then
		rm -rf "$DIR"
		mkdir -p "$DIR"
		ln -s "../$BASE/src" "$DIR/src"
	fi
	rm -f "$DIR/stamp" "$DIR/guest/stamp"
	mkdir -p "$DIR/build"
	kmake KCONFIG_ALLCONFIG="$FRAGMENT" allnoconfig
	check_config
}

compile() {
	local release
	kmake -j"$(nproc)" vmlinux modules
	release=$(cat "$DIR/build/include/config/kernel.release")
	[ "$release" = "$RELEASE" ] || {
		echo "error: the kernel calls itself $release, not $RELEASE"
		return 1
	}
}

# The form that the other kernels have.
install_kernel() {
	rm -rf "$DIR/modules" "$DIR/vmlinux"
	kmake INSTALL_MOD_PATH="$DIR/modules" modules_install
	rm -f "$DIR/modules/lib/modules/$RELEASE/build"
	inroot llvm-strip --strip-all -o "$DIR/vmlinux" "$DIR/build/vmlinux"
	"$TOP/scripts/check/check-kdir.sh" "$DIR/build" "$TOP/scripts/vm/inroot"
	printf '%s: the source of %s with scripts/vm/debug.config\n' "$RELEASE" "$BASE" > "$STATE/why-for-debug"
	ln -sfn "$RELEASE" "$BUILD/kernel/link.tmp"
	mv -T "$BUILD/kernel/link.tmp" "$BUILD/kernel/for-debug"
	printf '%s\n' "$1" > "$DIR/stamp"
}

debug_hash() {
	{
		echo "$TOP $BASE"
		cat "$ROOT/tools"
		# Comments are no reason to build anew.
		grep -E '^(# )?CONFIG_' "$FRAGMENT"
		code_of configure compile install_kernel
	} | hash_of
}

is_built() {
	[ "$(readlink "$BUILD/kernel/for-debug")" = "$RELEASE" ] &&
		is_fresh "$DIR/stamp" "$(debug_hash)" &&
		is_fresh "$DIR/guest/stamp" "$(guest_kernel_hash)"
}

# scripts/series/kernel.sh takes the functions only.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

build() {
	is_built && return
	[ -e "$DIR/build/vmlinux" ] || disk "$DEBUG_NEEDS"
	if ! is_fresh "$DIR/stamp" "$(debug_hash)"; then
		note "Building a kernel with KASAN and lockdep in .build, once (20 minutes on two processors):"
		step "$RELEASE: configuration" configure
		STEP_LINES=$DEBUG_LINES step "$RELEASE: kernel" compile
		step "$RELEASE: image and metadata" install_kernel "$(debug_hash)"
	fi
	is_fresh "$DIR/guest/stamp" "$(guest_kernel_hash)" ||
		step "$RELEASE: YNL for the guest" make_guest_kernel "$RELEASE" "$(guest_kernel_hash)"
}

# Nobody waits when there is nothing to do.
is_built || locked lock "another preparation or build" build
