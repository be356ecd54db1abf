#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints what is used to build and to run, and why this kernel was chosen.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

if [ ! -e "$CURRENT/stamp" ]; then
	note "Nothing is prepared yet: 'make prepare', or any command that needs it, does that."
	exit 1
fi

row() {
	printf '%-12s %s\n' "$1" "$2"
}

inside() {
	"$TOP/scripts/inroot" "$@" 2> /dev/null | head -n 1
}

row kernel "$(readlink "$CURRENT")"
row rustc "$(inside rustc --version)"
row bindgen "$(inside bindgen --version)"
row gcc "$(inside x86_64-linux-gnu-gcc-14 --version)"
row QEMU "$(inside qemu-system-x86_64 --version)"
accel=$(tail -n 1 "$BUILD/state/accel" 2> /dev/null || true)
case ${ACCEL:-$accel} in
kvm) row accelerator "KVM: a guest has run in it${ACCEL:+ (ACCEL=$ACCEL)}" ;;
tcg) row accelerator "TCG (emulation): no guest runs in KVM here${ACCEL:+ (ACCEL=$ACCEL)}" ;;
*)
	if [ -e /dev/kvm ]; then
		row accelerator "not probed yet: the first run does that"
	else
		row accelerator "TCG (emulation): this machine has no /dev/kvm"
	fi
	;;
esac
row root "Debian $(cat "$ROOT/etc/debian_version"), $(du -sh "$BUILD" 2> /dev/null | cut -f1) in .build in all"
echo
echo "Why this kernel:"
sed 's/^/  /' "$CURRENT/why"
