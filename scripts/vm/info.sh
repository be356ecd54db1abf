#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make info': prints what is used to build and to run, and why.
#
#   scripts/vm/info.sh

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

if [ ! -e "$CURRENT/stamp" ]; then
	die "nothing is prepared yet${KERNEL:+ for KERNEL=$KERNEL}${ARCH:+ for ARCH=$ARCH}: 'make prepare', or any command that needs it, does that"
fi
RELEASE=$(readlink "$CURRENT")

row() {
	printf '%-12s %s\n' "$1" "$2"
}

inside() {
	"$TOP/scripts/vm/inroot" "$@" 2> /dev/null | head -n 1
}

config() {
	sed -n "s/^$1=\"\(.*\)\"/\1/p" "$CURRENT/build/.config"
}

cc=$(compilers "$CURRENT/build" | sed -E 's/.*LLVM=1/clang/; s/.*\bCC=//; s/ .*//')

row kernel "$RELEASE, built with $(config CONFIG_CC_VERSION_TEXT)"
row rustc "$(inside rustc --version)"
row bindgen "$(inside bindgen --version)"
row "${cc##*-gnu-}" "$(inside "$cc" --version)"
row QEMU "$(inside "qemu-system-$MACHINE" --version)"
if [ -n "${ACCEL:-}" ]; then
	row accelerator "$ACCEL: ACCEL says so"
elif [ -n "$OTHER" ]; then
	row accelerator "tcg: this machine is $HOST, and the guest $MACHINE"
elif [ -f "$STATE/accel-$CHOICE" ]; then
	row accelerator "$(tail -n 1 "$STATE/accel-$CHOICE" | sed 's/ /: /')"
else
	row accelerator "not probed yet: the first guest does that"
fi
row tools "Debian $(cat "$ROOT/etc/debian_version") in ${ROOT#"$TOP"/}, all of .build takes $(du -sh "$BUILD" 2> /dev/null | cut -f1)"
echo
echo "Why this kernel:"
sed 's/^/  /' "$STATE/why-$CHOICE"

# What the lists say that were fetched last; looking costs nothing.
[ -z "${KERNEL:-}" ] || exit 0
newer=$("$TOP/scripts/vm/inroot" apt-cache pkgnames linux-headers- | sed -n "s/^linux-headers-\\([0-9].*-cloud-$DEBIAN\\)\$/\\1/p" |
	cat - <(echo "$RELEASE") | sort -V | tail -n 1)
[ "$newer" = "$RELEASE" ] || echo "  The archive has $newer now: 'make update' tries it."
