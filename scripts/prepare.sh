#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes what a run needs, once: host packages, a toolchain root that also holds
# QEMU, Debian's stock kernel with the Rust metadata that Debian does not ship,
# and a guest image. Each part is made beside its place, checked, and moved
# there; a stamp says what it was made from. Killed at any point, it leaves
# nothing that a later run would trust.
#
#   scripts/prepare.sh [--root-only]
#
# KERNEL=RELEASE or KERNEL=FLAVOUR (cloud-amd64, amd64, rt-amd64) chooses the
# kernel, MIRROR=URL the Debian archive; else the newest kernel with Rust, and
# the archive of this host's apt.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

SUITE=trixie
# The framework relies on bindings that older kernels do not have.
MIN_KERNEL=7.3

# What builds and checks the modules and runs the guest.
ROOT_PACKAGES="apt bc bindgen bison busybox-static ca-certificates clang codespell cpio
	erofs-utils flex gcc gcc-14 kmod libc6-dev libdw-dev libelf-dev libssl-dev lld
	llvm make pahole perl pyflakes3 python3 python3-jsonschema python3-yaml
	qemu-system-x86 rust-clippy rust-src rustc rustfmt shellcheck xz-utils
	yamllint"
# What a user of the guest finds in it.
GUEST_PACKAGES="busybox iproute2 kmod libnl-3-200 libnl-genl-3-200 libnl-utils
	make mount procps python3 python3-jsonschema python3-yaml strace util-linux"

MIB_NEEDED=9000

#
# The host
#

host_packages() {
	local missing=() package command
	for package in mmdebstrap bubblewrap debian-archive-keyring util-linux xz-utils; do
		dpkg-query -W -f '${Status}' "$package" 2> /dev/null |
			grep -q 'ok installed' || missing+=("$package")
	done
	if [ "$(id -u)" != 0 ] && ! command -v newuidmap > /dev/null; then
		missing+=(uidmap)
	fi
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get > /dev/null ||
		die "this host has no apt-get: install by hand: ${missing[*]}"
	command="apt-get install -y --no-install-recommends ${missing[*]}"
	if [ "$(id -u)" = 0 ]; then
		step "host packages: ${missing[*]}" install_host "" "${missing[@]}"
	elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
		note "Installing with sudo: ${missing[*]}"
		sudo -v || die "sudo refused. Have an administrator run: $command"
		step "host packages: ${missing[*]}" install_host sudo "${missing[@]}"
	else
		die "some packages are missing and this is neither root nor sudo. Have an administrator run: $command"
	fi
}

install_host() {
	local sudo=$1
	shift
	# A minimal host may never have fetched its lists.
	$sudo apt-get install -y --no-install-recommends "$@" || {
		$sudo apt-get update
		$sudo env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends "$@"
	}
}

# The archive that this host's own apt uses for Debian.
mirror() {
	local uri
	if [ -n "${MIRROR:-}" ]; then
		printf '%s' "$MIRROR"
		return
	fi
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
		grep -E '/debian/?$' | head -n 1)
	[ -n "$uri" ] ||
		die "apt on this host knows no Debian archive: name one with MIRROR=URL"
	printf '%s' "${uri%/}"
}

sources() {
	printf 'deb %s %s main\n' "$1" "$SUITE"
	[ "$2" = all ] && printf 'deb %s %s-backports main\n' "$1" "$SUITE"
	return 0
}

disk() {
	local free
	mkdir -p "$BUILD"
	free=$(df -Pm "$BUILD" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$MIB_NEEDED" ] ||
		die "$BUILD has $free MiB free, and about $MIB_NEEDED are needed: free some, or move the project"
}

# debootstrap SUITES PACKAGES DIR: a Debian tree that belongs to whoever runs
# this. It comes through a tar, so that an ordinary user can make one as well.
debootstrap() {
	local suites=$1 packages=$2 dir=$3 url mode=unshare proxy
	local options=(--aptopt='APT::Install-Recommends "false"'
		--dpkgopt=path-exclude=/usr/share/doc/*
		--dpkgopt=path-exclude=/usr/share/locale/*
		--dpkgopt=path-exclude=/usr/share/man/*)
	[ "$(id -u)" = 0 ] && mode=root
	url=$(mirror)
	for proxy in http https; do
		eval "$(apt-config shell value "Acquire::$proxy::Proxy")"
		[ -z "${value:-}" ] || options+=(--aptopt="Acquire::$proxy::Proxy \"$value\"")
		value=
	done
	rm -rf "$dir"
	mkdir -p "$dir"
	sources "$url" "$suites" |
		mmdebstrap --mode="$mode" --variant=apt "${options[@]}" \
			--include="$(printf '%s' "$packages" | tr -s ' \t\n' ',')" "$SUITE" - - |
		tar -x -C "$dir" --no-same-owner --exclude='./dev/*'
}

#
# The toolchain root
#

make_root() {
	rm -rf "$ROOT"
	debootstrap all "$ROOT_PACKAGES" "$ROOT.tmp"
	# Our root has one user.
	echo 'APT::Sandbox::User "root";' > "$ROOT.tmp/etc/apt/apt.conf.d/90one-user"
	"$ROOT.tmp/usr/bin/rustc" --version > /dev/null 2>&1 || true
	mv "$ROOT.tmp" "$ROOT"
	"$TOP/scripts/inroot" sh -c 'rustc --version && bindgen --version &&
		x86_64-linux-gnu-gcc-14 --version && qemu-system-x86_64 --version'
}

prepare_root() {
	local stamp=$BUILD/state/root
	local want
	want=$(printf '%s\n' "$SUITE" "$ROOT_PACKAGES" | hash_of)
	is_fresh "$stamp" "$want" && return
	disk
	rm -f "$stamp"
	step "toolchain root ($SUITE, with QEMU)" make_root
	printf '%s\n' "$want" > "$stamp"
}

#
# The kernel
#

# The releases that could do, newest first.
candidates() {
	local pattern='-cloud-amd64$'
	case ${KERNEL:-} in
	'') ;;
	[0-9]*) pattern="^linux-headers-${KERNEL//+/\\+}\$" ;;
	*) pattern="[0-9]-${KERNEL}\$" ;;
	esac
	"$TOP/scripts/inroot" apt-cache pkgnames linux-headers- |
		grep -E '^linux-headers-[0-9]' | grep -E -e "$pattern" |
		sed 's/^linux-headers-//' | sort -rV
}

# A package of the root's archive, in the folder $2.
fetch() {
	(
		cd "$2"
		"$TOP/scripts/inroot" apt-get download "$1"
	)
}

package_version() {
	"$TOP/scripts/inroot" apt-cache show --no-all-versions "$1" 2> /dev/null |
		sed -n 's/^Version: //p' | head -n 1
}

# Takes the first candidate whose configuration has Rust and whose source is in
# the archive, and leaves its headers package in $BUILD/kernel/choice.tmp.
choose_kernel() {
	local dir=$BUILD/kernel/choice.tmp release base why="" version source
	"$TOP/scripts/inroot" apt-get update
	rm -rf "$dir"
	mkdir -p "$dir"
	for release in $(candidates); do
		base=$(printf '%s' "$release" | sed -E 's/^([0-9]+\.[0-9]+).*/\1/')
		if [ "$(printf '%s\n' "$base" "$MIN_KERNEL" | sort -V | head -n 1)" != "$MIN_KERNEL" ]; then
			why+="$release: older than $MIN_KERNEL"$'\n'
			continue
		fi
		version=$(package_version "linux-headers-$release")
		source=$(package_version "linux-source-$base")
		if [ "$version" != "$source" ]; then
			why+="$release: the archive has the source of ${source:-no version}, not of $version"$'\n'
			continue
		fi
		fetch "linux-headers-$release" "$dir"
		dpkg-deb --fsys-tarfile "$dir"/linux-headers-*.deb |
			tar -xO "./usr/src/linux-headers-$release/.config" > "$dir/config"
		if ! grep -q '^CONFIG_RUST=y' "$dir/config"; then
			why+="$release: built without CONFIG_RUST"$'\n'
			rm -f "$dir"/*.deb
			continue
		fi
		if [ -n "${KERNEL:-}" ]; then
			why+="$release: chosen by KERNEL=$KERNEL"$'\n'
		else
			why+="$release: the newest kernel of $SUITE and $SUITE-backports with Rust"$'\n'
		fi
		printf '%s\n' "$release" > "$dir/release"
		printf '%s' "$why" > "$dir/why"
		return
	done
	echo "No kernel of the archive will do${KERNEL:+ for KERNEL=$KERNEL}:"
	printf '%s' "$why"
	echo "KERNEL=RELEASE or KERNEL=FLAVOUR chooses one; a flavour is cloud-amd64, amd64 or rt-amd64."
	return 1
}

# Source, configuration, symbols, kernel image and modules of a release.
unpack_kernel() {
	local release=$1 dir=$2 base deb source
	base=$(printf '%s' "$release" | sed -E 's/^([0-9]+\.[0-9]+).*/\1/')
	rm -rf "$dir"
	mkdir -p "$dir/src" "$dir/build" "$dir/debs"
	fetch "linux-source-$base" "$dir/debs"
	fetch "linux-modules-$release" "$dir/debs"
	fetch "linux-binary-$release" "$dir/debs" || fetch "linux-image-$release" "$dir/debs"
	for deb in "$dir"/debs/linux-modules-*.deb "$dir"/debs/linux-[bi]*.deb; do
		dpkg-deb -x "$deb" "$dir/unpacked"
	done
	source=$(echo "$dir"/debs/linux-source-*.deb)
	dpkg-deb --fsys-tarfile "$source" |
		tar -xO "./usr/src/linux-source-$base.tar.xz" |
		tar -xJ -C "$dir/src" --strip-components=1
	deb=$(echo "$BUILD"/kernel/choice.tmp/linux-headers-*.deb)
	for source in .config Module.symvers; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -xO "./usr/src/linux-headers-$release/$source" > "$dir/build/$source"
	done
	find "$dir/unpacked" -name 'vmlinuz*' -type f -exec mv {} "$dir/vmlinuz" \;
	mkdir -p "$dir/modules/lib"
	mv "$dir/unpacked/usr/lib/modules" "$dir/modules/lib/modules" 2> /dev/null ||
		mv "$dir/unpacked/lib/modules" "$dir/modules/lib/modules"
	[ -s "$dir/vmlinuz" ]
	[ -s "$dir/build/Module.symvers" ]
	"$TOP/scripts/inroot" depmod -b "$dir/modules" "$release"
	cp "$BUILD/kernel/choice.tmp/why" "$dir/why"
	rm -rf "$dir/debs" "$dir/unpacked"
}

# The Rust metadata, made as the kernel itself makes it before its first object.
# Where a tool is missing here, Kconfig would quietly drop what depends on it,
# and structures would differ from those of the kernel: that is an error.
make_metadata() {
	local release=$1 dir=$2
	cp "$dir/build/.config" "$dir/config.shipped"
	# shellcheck disable=SC2046 # the words of the compilers' names
	"$TOP/scripts/inroot" make -C "$dir/src" O="$dir/build" -j"$(nproc)" \
		$(compilers "$dir/build") KERNELRELEASE="$release" prepare modules_prepare
	diff "$dir/config.shipped" "$dir/build/.config" || {
		echo "error: the configuration changed (see above): a tool of the kernel's build is missing or of another version in $ROOT"
		return 1
	}
}

# The compilers that the kernel was built with, for make.
compilers() {
	local cc
	cc=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$1/.config")
	printf 'CC=%s HOSTCC=%s' "$cc" "${cc#x86_64-linux-gnu-}"
}

prepare_kernel() {
	local release dir stamp want
	if [ -L "$CURRENT" ] && [ -e "$CURRENT/stamp" ]; then
		release=$(readlink "$CURRENT")
		case ${KERNEL:-$release} in
		"$release" | "${release##*deb[0-9][0-9]-}") return ;;
		esac
	fi
	# One that is there already needs no archive.
	if [ -n "${KERNEL:-}" ] && [ -e "$BUILD/kernel/$KERNEL/stamp" ]; then
		ln -sfn "$KERNEL" "$CURRENT"
		return
	fi
	disk
	mkdir -p "$BUILD/kernel"
	step "choice of the kernel" choose_kernel
	release=$(cat "$BUILD/kernel/choice.tmp/release")
	dir=$BUILD/kernel/$release
	if [ ! -e "$dir/stamp" ]; then
		step "kernel $release: packages and source" unpack_kernel "$release" "$dir"
		step "kernel $release: Rust metadata" make_metadata "$release" "$dir"
		# Only the version's text guards a Rust module against a wrong tree.
		step "kernel $release: metadata against the kernel" \
			"$TOP/scripts/check-kdir.sh" "$dir/build" "$TOP/scripts/inroot"
		date > "$dir/stamp"
	fi
	ln -sfn "$release" "$CURRENT"
	rm -rf "$BUILD/kernel/choice.tmp"
}

#
# The guest
#

make_guest_tree() {
	debootstrap main "$GUEST_PACKAGES" "$BUILD/guest.tmp/tree"
}

# The image is the same for all runs; what changes goes beside it.
make_guest_image() {
	local dir=$BUILD/guest.tmp release tree linux module
	release=$(readlink "$CURRENT")
	tree=$dir/tree
	linux=$tree/usr/src/linux
	rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree/init.tmp"
	mkdir -p "$linux/tools/net/ynl" "$linux/Documentation" "$tree/genl" "$tree/out" \
		"$tree/dev" "$tree/proc" "$tree/sys"
	cp -r "$CURRENT/src/tools/net/ynl/pyynl" "$linux/tools/net/ynl/"
	cp -r "$CURRENT/src/Documentation/netlink" "$linux/Documentation/"
	rm -rf "$tree/usr/lib/modules"
	cp -r "$CURRENT/modules/lib/modules" "$tree/usr/lib/"
	# Under emulation compiling costs more than reading.
	"$TOP/scripts/inroot" python3 -m compileall -q "$linux/tools/net/ynl" || true
	"$TOP/scripts/inroot" sh -c "cd '$tree' && python3 -m compileall -q --invalidation-mode unchecked-hash usr/lib/python3 usr/lib/python3.*" || true
	"$TOP/scripts/inroot" mkfs.erofs -zlz4 --all-root --quiet "$dir/root.erofs" "$tree"

	mkdir -p "$dir/initrd/bin" "$dir/initrd/modules"
	cp "$ROOT/bin/busybox" "$dir/initrd/bin/"
	cp "$TOP/scripts/guest/initrd-init" "$dir/initrd/init"
	chmod +x "$dir/initrd/init"
	: > "$dir/initrd/modules/order"
	for module in virtio_blk erofs overlay; do
		"$TOP/scripts/inroot" modprobe -d "$CURRENT/modules" -S "$release" \
			--show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' |
		while read -r module; do
			"$TOP/scripts/inroot" xz -dc "$module" \
				> "$dir/initrd/modules/$(basename "$module" .xz)"
			basename "$module" .xz >> "$dir/initrd/modules/order"
		done
	[ -s "$dir/initrd/modules/order" ]
	"$TOP/scripts/inroot" sh -c "cd '$dir/initrd' && find . | cpio -o -H newc --quiet -R 0:0 > ../initrd.cpio"
	rm -rf "$BUILD/guest"
	mkdir "$dir/done"
	mv "$dir/root.erofs" "$dir/initrd.cpio" "$dir/done/"
	mv "$dir/done" "$BUILD/guest"
	rm -rf "$dir"
}

prepare_guest() {
	local stamp=$BUILD/state/guest want
	want=$({
		printf '%s\n' "$GUEST_PACKAGES" "$(readlink "$CURRENT")"
		cat "$TOP/scripts/guest/initrd-init"
	} | hash_of)
	is_fresh "$stamp" "$want" && return
	rm -f "$stamp"
	step "guest: packages" make_guest_tree
	step "guest: image" make_guest_image
	printf '%s\n' "$want" > "$stamp"
}

prepare() {
	mkdir -p "$BUILD/state" "$LOG"
	host_packages
	prepare_root
	[ "${1:-}" = --root-only ] && return
	prepare_kernel
	prepare_guest
}

case ${1:-} in
-h | --help)
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
	;;
'' | --root-only)
	locked prepare prepare "$@"
	;;
*)
	die "unknown option '$1': see scripts/prepare.sh --help"
	;;
esac
