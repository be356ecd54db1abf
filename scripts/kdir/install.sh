#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make modules_install KDIR=...': installs the families that were built for a
# kernel, as the kernel's own build does it, and says what was done, what was not,
# and what to type then. nlpeer is a test module: it is installed with NLPEER=1
# only. The modules of the tests are never installed.
#
#   scripts/kdir/install.sh KDIR MO
#
# MO is where the modules were built. INSTALL_MOD_PATH, INSTALL_MOD_DIR,
# INSTALL_MOD_STRIP and DEPMOD mean what they mean in the kernel.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1--h} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac
given=$1 MO=$2
KDIR=$("$TOP/scripts/check/check-kdir.sh" --output "$given")
case ${NLPEER:-} in
'' | 1) ;;
*) die "NLPEER=$NLPEER: say NLPEER=1 to install nlpeer as well, or nothing" ;;
esac
[ -f "$MO/modules.order" ] || die "nothing is built yet: make modules KDIR=$given"

config() {
	sed -n "s/^$1=//p" "$KDIR/include/config/auto.conf" | tr -d '"'
}

release=$(cat "$KDIR/include/config/kernel.release")
again="make modules_install KDIR=$given${INSTALL_MOD_PATH:+ INSTALL_MOD_PATH=$INSTALL_MOD_PATH}"
[ "$MO" = "$BUILD/own/$release" ] || again+=" MO=$MO"
path=${INSTALL_MOD_PATH:+$(realpath -m "$INSTALL_MOD_PATH")}
place=$path/lib/modules/$release/${INSTALL_MOD_DIR:-updates}

# The kernel's build signs at the end of a file.
is_signed() {
	[ "$(tail -c 28 "$1" | tr -d '\n\0')" = '~Module signature appended~' ]
}

# The kernel's build installs what modules.order names.
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
chosen=() left=() by_hand=1
for family in $(make -s -C "$TOP" -f scripts/kdir/kbuild.mk families); do
	grep -qx "$family\.o" "$MO/modules.order" || continue
	if [ "$family" = nlpeer ] && [ -z "${NLPEER:-}" ]; then
		left+=("$family")
		continue
	fi
	chosen+=("$family")
	ln -s "$MO/$family.ko" "$stage/$family.ko"
	is_signed "$MO/$family.ko" || by_hand=0
	echo "$family.o" >> "$stage/modules.order"
done
[ ${#chosen[@]} -gt 0 ] || die "there is no family in $MO to install: make modules KDIR=$given"

# Why modules are not signed; then the kernel's build is not asked to, which would
# show errors of OpenSSL and go on.
unsigned='' arguments=()
if [ "$(config CONFIG_MODULE_SIG)" = y ] && [ "$by_hand" = 0 ]; then
	key=$(config CONFIG_MODULE_SIG_KEY)
	case $key in
	pkcs11:* | /*) ;;
	*) key=$KDIR/$key ;;
	esac
	if [ "$(config CONFIG_MODULE_SIG_ALL)" != y ]; then
		unsigned="the configuration of this kernel leaves that to you"
	else
		for file in "$key" "$KDIR/certs/signing_key.x509" "$KDIR/scripts/sign-file"; do
			case $file in
			pkcs11:*) continue ;;
			esac
			if [ -z "$unsigned" ] && [ ! -r "$file" ]; then
				unsigned="there is no $file, which only those have who build the kernel"
				arguments+=(CONFIG_MODULE_SIG_ALL=)
			fi
		done
	fi
fi

if ! make -C "$KDIR" M="$TOP" MO="$stage" INSTALL_MOD_PATH="$path" "${arguments[@]}" \
	modules_install > "$stage/log" 2>&1; then
	sed 's/^/  /' "$stage/log" >&2
	[ -w "$(dirname "$place")" ] || note "Installing needs the right to write to $place: with sudo, or elsewhere with INSTALL_MOD_PATH=."
	die "not all is installed (see above)"
fi
# What it has to say beside the steps, and is not said better below.
grep -vE "^  [A-Z]+ |^make\[|^make: |missing 'System.map'|requires .*depmod|in the kmod package" "$stage/log" >&2 || true

files=()
for family in "${chosen[@]}"; do
	files+=("$(basename "$(ls "$place/$family.ko"*)")")
done
echo "Installed in $place: ${files[*]}"
rc=0
if [ "$(config CONFIG_MODULE_SIG)" = y ] && [ "$by_hand" = 0 ]; then
	if [ -z "$unsigned" ] && grep -qE 'sign-file|SSL' "$stage/log"; then
		unsigned="scripts/sign-file has failed (see above)"
		rc=1
	fi
	if [ -z "$unsigned" ]; then
		echo "Signed with $key."
	else
		echo "Not signed: $unsigned."
		if [ "$(config CONFIG_MODULE_SIG_FORCE)" = y ]; then
			echo "  This kernel loads no module without a signature. With a key that it knows:"
		else
			echo "  Under lockdown (Secure Boot) a kernel loads no module without one. With a key that it knows:"
		fi
		for family in "${chosen[@]}"; do
			echo "  $KDIR/scripts/sign-file $(config CONFIG_MODULE_SIG_HASH) KEY.pem CERT.der $MO/$family.ko"
		done
		echo "  $again${NLPEER:+ NLPEER=1}"
	fi
elif [ "$by_hand" = 1 ]; then
	echo "Signed: they were so already."
fi

# The kernel's build leaves it at a warning where it has no System.map, and modprobe
# would not find what was installed.
read -ra depmod <<< "${DEPMOD:-depmod}"
PATH=$PATH:/usr/sbin:/sbin
index=(-b "${path:-/}" "$release")
if [ -r "$KDIR/System.map" ] && grep -q '^  DEPMOD ' "$stage/log" && command -v "${depmod[0]}" > /dev/null; then
	echo "depmod has run: modprobe finds them."
elif ! command -v "${depmod[0]}" > /dev/null; then
	echo "Not done: there is no ${depmod[0]}, and modprobe does not find them before it has run. Install the package kmod, then:"
	echo "  depmod ${index[*]}"
	rc=1
elif "${depmod[@]}" "${index[@]}" > "$stage/log" 2>&1; then
	echo "depmod has run: modprobe finds them. (Without $KDIR/System.map it has not looked for symbols that are missing.)"
else
	echo "Not done: depmod has failed, and modprobe does not find them before it has run:"
	sed 's/^/  /' "$stage/log"
	echo "  depmod ${index[*]}"
	rc=1
fi
for family in "${left[@]}"; do
	echo "Not installed: $family, which is for tests and answers anybody. With it:"
	echo "  $again NLPEER=1"
	for file in "$place/$family.ko"*; do
		[ ! -e "$file" ] || echo "  An earlier installation has left $file: remove it, and run depmod"
	done
done
exit "$rc"
