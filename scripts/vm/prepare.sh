#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes what a run needs, once: host packages, a toolchain root that also holds
# QEMU, Debian's stock kernel with the Rust metadata that Debian does not ship,
# and a guest image. Each part is made beside its place, checked, and moved
# there together with a stamp that says what it was made from. Killed at any
# point, it leaves nothing that a later run would trust.
#
#   scripts/vm/prepare.sh [--update | --prune]
#
# KERNEL=RELEASE or KERNEL=FLAVOUR (cloud-amd64, amd64, rt-amd64) takes another
# kernel than the newest with Rust, MIRROR=URL another archive than that of this
# host's apt. --update looks for a newer kernel than the one that was chosen
# before; --prune removes the kernels that no choice refers to.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

SUITE=trixie
ROOT_SUITES="$SUITE $SUITE-backports"
# The framework relies on bindings that older kernels do not have.
MIN_KERNEL=7.3

# What builds and checks the modules and runs the guest.
ROOT_PACKAGES="apt bc bindgen bison busybox-static ca-certificates cargo clang codespell cpio
	erofs-utils file flex gcc gcc-14 kmod libc6-dev libdw-dev libelf-dev libmnl-dev
	libnl-3-dev libnl-genl-3-dev librust-loom-dev libssl-dev lld llvm make mypy pahole perl
	pyflakes3 python3 python3-jsonschema python3-pip python3-typeshed python3-yaml
	qemu-system-x86 rust-analyzer rust-clippy rust-src rustc rustfmt shellcheck xz-utils
	yamllint zstd"
# What decides whether the metadata of one root do for another.
TOOLS="rustc rust-src bindgen gcc-14 clang llvm pahole"
# What a user of the guest finds in it.
GUEST_PACKAGES="busybox iproute2 kmod libnl-3-200 libnl-genl-3-200 libnl-utils
	make mount procps python3 python3-jsonschema python3-yaml strace util-linux
	wireguard-tools"

# An image of the same files is the same bytes.
EROFS=(-zlz4 --all-root --quiet -T0 -U 00000000-0000-4000-8000-000000000000)

# MiB while they are made, as measured, and some more.
ROOT_NEEDS=3000 KERNEL_NEEDS=2700 GUEST_NEEDS=600

# The text of functions, for a stamp. Where a script lies is no reason to make
# anything anew.
code_of() {
	declare -f "$@" | sed -E 's,scripts/(vm|check)/,scripts/,g'
}

#
# The host
#

host_packages() {
	local missing=() install sudo=()
	command -v mmdebstrap > /dev/null || missing+=(mmdebstrap)
	command -v bwrap > /dev/null || missing+=(bubblewrap)
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
	[ "$(id -u)" = 0 ] || command -v newuidmap > /dev/null || missing+=(uidmap)
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get > /dev/null ||
		die "this is no Debian; install by hand, then run the same command again: ${missing[*]}"
	install="apt-get install -y --no-install-recommends ${missing[*]}"
	if [ "$(id -u)" != 0 ]; then
		if ! command -v sudo > /dev/null || { ! sudo -n true 2> /dev/null && [ ! -t 0 ]; }; then
			die "packages are missing, and this user may not install them. Type:
    su -c 'apt-get update && $install'
and run the same command again."
		fi
		note "Installing with sudo: ${missing[*]}"
		sudo -v || die "sudo refused. Have somebody type as root, and run the same command again:
    apt-get update && $install"
		sudo=(sudo)
	fi
	step "host packages: ${missing[*]}" install_host "${missing[@]}"
}

install_host() {
	local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get)
	# A minimal host may never have fetched its lists.
	"${apt[@]}" install -y --no-install-recommends "$@" || {
		"${apt[@]}" update
		"${apt[@]}" install -y --no-install-recommends "$@"
	}
}

# What no package can mend is said before anything is downloaded.
host_limits() {
	local ids=() why user
	[ "$(uname -m)" = x86_64 ] ||
		die "this is $(uname -m): the virtual machine needs an x86-64 host (on your own kernel: make modules KDIR=...)"
	if [ "$(id -u)" != 0 ]; then
		ids=(--unshare-user --uid 0 --gid 0)
		user=$(id -un)
		[ -e "$ROOT" ] || grep -qE "^($user|$UID):" /etc/subuid 2> /dev/null ||
			die "user $user has no range of subordinate ids, which the toolchain root needs. Have root type:
    usermod --add-subuids 200000-265535 --add-subgids 200000-265535 $user"
	fi
	why=$(bwrap "${ids[@]}" --dev-bind / / --unshare-pid --proc /proc true 2>&1) ||
		die "no sandbox can be made here ($why). In a container: start it privileged. On a host: run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)."
}

# disk MIB...: whether there is room for what will be made.
disk() {
	local need=0 free mib
	for mib in "$@"; do
		need=$((need + mib))
	done
	free=$(df -Pm "$BUILD" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$need" ] ||
		die "$BUILD has $free MiB free, and $need are needed: free some, or move the project"
}

# The archive that this host's own apt uses for Debian.
mirror() {
	local uri suite
	if [ -n "${MIRROR:-}" ]; then
		printf '%s' "${MIRROR%/}"
		return
	fi
	while read -r uri suite; do
		# A list of mirrors, as on Debian's cloud images.
		case $uri in
		mirror+file:*) uri=$(awk '/^[a-z]+:/ { print $1; exit }' "${uri#mirror+file:}" || true) ;;
		esac
		case $uri:$suite in
		cdrom:* | *security* | *-proposed*) ;;
		*/debian:* | */debian/:*)
			printf '%s' "${uri%/}"
			return
			;;
		esac
	done < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages')
	die "apt on this host knows no Debian archive: name one with MIRROR=URL (it ends in /debian)"
}

# archive SUITES: what apt calls them.
archive() {
	local suite url
	url=$(mirror)
	for suite in $1; do
		echo "deb $url $suite main"
	done
}

# The settings of the host's apt that decide whether an archive can be reached.
apt_settings() {
	local key value
	while read -r key value; do
		value=${value#\"} value=${value%\";}
		case $key in
		Acquire::*::Proxy-Auto-Detect | Acquire::*::ProxyAutoDetect)
			value=$($value "$(mirror)") && [ "$value" != DIRECT ] &&
				printf 'Acquire::http::Proxy "%s";\n' "$value"
			;;
		Acquire::http*::Proxy* | Acquire::Check-*)
			[ -z "$value" ] || printf '%s "%s";\n' "$key" "$value"
			;;
		esac
	done < <(apt-config dump)
	# What is made here has one owner.
	echo 'APT::Sandbox::User "root";'
	# An archive that is not there is an error, not a warning.
	echo 'APT::Update::Error-Mode "any";'
	echo 'Acquire::Retries "3";'
}

# debootstrap SUITES PACKAGES DIR: a Debian tree that belongs to whoever runs
# this. An ordinary user makes it through a tar, in a namespace of his own.
debootstrap() {
	local dir=$3 list packages settings setting
	packages=$(printf '%s' "$2" | tr -s ' \t\n' ',')
	settings=$(apt_settings)
	local options=(--variant=apt --include="$packages"
		--aptopt='APT::Install-Recommends "false"'
		--dpkgopt=force-unsafe-io
		--dpkgopt=path-exclude=/usr/share/doc/*
		--dpkgopt=path-include=/usr/share/doc/*/copyright
		--dpkgopt=path-exclude=/usr/share/locale/*
		--dpkgopt=path-exclude=/usr/share/man/*)
	while read -r setting; do
		options+=(--aptopt="${setting%;}")
	done <<< "$settings"
	list=$(archive "$1")
	# What a run that was killed has mounted there is gone with its namespace.
	rm -rf --one-file-system "$dir"
	if [ "$(id -u)" = 0 ]; then
		unshare --mount mmdebstrap --mode=root "${options[@]}" "$SUITE" "$dir" - <<< "$list"
	else
		mkdir -p "$dir"
		# Not /tmp, which may be in memory.
		TMPDIR=/var/tmp mmdebstrap --mode=unshare "${options[@]}" "$SUITE" - - <<< "$list" |
			tar -x -p -C "$dir" --no-same-owner --exclude='./dev/*'
	fi
}

#
# The toolchain root
#

# Whoever asks for another kernel may do so on another network than that where the
# root was made.
use_archive() {
	archive "$ROOT_SUITES" > "$1/etc/apt/sources.list"
	{
		echo 'APT::Install-Recommends "false";'
		apt_settings
	} > "$1/etc/apt/apt.conf.d/99mmdebstrap"
}

make_root() {
	local tmp=$ROOT.tmp
	debootstrap "$ROOT_SUITES" "$ROOT_PACKAGES" "$tmp"
	use_archive "$tmp"
	"$TOP/scripts/vm/inroot" --root "$tmp" sh -c '
		set -e
		rustc --version && bindgen --version && x86_64-linux-gnu-gcc-14 --version
		qemu-system-x86_64 --version && mkfs.erofs -V && shellcheck --version
		dpkg-query -W > /packages
		dpkg-query -W -f "\${Package} \${Version}\n" '"$TOOLS"' > /tools'
	printf '%s\n' "$1" > "$tmp/stamp"
	rm -rf "$ROOT.old"
	[ ! -e "$ROOT" ] || mv "$ROOT" "$ROOT.old"
	mv "$tmp" "$ROOT"
	rm -rf "$ROOT.old"
}

root_hash() {
	{
		echo "$SUITE $ROOT_PACKAGES"
		code_of debootstrap make_root use_archive
	} | hash_of
}

replace_root() {
	step "toolchain root ($SUITE, with QEMU)" make_root "$(root_hash)"
}

prepare_root() {
	is_fresh "$ROOT/stamp" "$(root_hash)" && return
	if [ -e "$ROOT" ]; then
		locked use.lock "those who use the toolchain root, which has to be made anew" replace_root
	else
		replace_root
	fi
}

#
# The kernel
#

inroot() {
	"$TOP/scripts/vm/inroot" "$@"
}

# The releases that could do, newest first.
candidates() {
	local pattern='-cloud-amd64$'
	case ${KERNEL:-} in
	'') ;;
	[0-9]*) pattern="^${KERNEL//+/\\+}\$" ;;
	*) pattern="[0-9]-${KERNEL}\$" ;;
	esac
	inroot apt-cache pkgnames linux-headers- | sed 's/^linux-headers-//' |
		grep -E '^[0-9]' | grep -E -e "$pattern" | sort -rV
}

# A package of the root's archive, in the folder $2.
fetch() {
	(
		cd "$2"
		inroot apt-get download "$1"
	)
}

package_version() {
	inroot apt-cache show --no-all-versions "$1" 2> /dev/null |
		sed -n 's/^Version: //p' | head -n 1
}

base_version() {
	printf '%s' "$1" | sed -E 's/^([0-9]+\.[0-9]+).*/\1/'
}

older() {
	[ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# Takes the first candidate whose configuration has Rust and whose source is in
# the archive; leaves its name in $1/release and the reasons in $1/why.
choose_kernel() {
	local dir=$1 release base why="" version source
	rm -rf "$dir"
	mkdir -p "$dir"
	use_archive "$ROOT"
	inroot apt-get update
	for release in $(candidates); do
		base=$(base_version "$release")
		if older "$base" "$MIN_KERNEL"; then
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
		rm "$dir"/*.deb
		if ! grep -q '^CONFIG_RUST=y' "$dir/config"; then
			why+="$release: built without CONFIG_RUST"$'\n'
			continue
		fi
		if [ -n "${KERNEL:-}" ]; then
			why+="$release: chosen by KERNEL=$KERNEL"$'\n'
		else
			why+="$release: the newest cloud kernel with Rust in $SUITE and $SUITE-backports on $(date +%F)"$'\n'
		fi
		printf '%s' "$why" > "$dir/why"
		printf '%s\n' "$release" > "$dir/release"
		return
	done
	echo "No kernel of the archive will do${KERNEL:+ for KERNEL=$KERNEL}:"
	printf '%s' "${why:-  it has none of that name$'\n'}"
	echo "KERNEL=RELEASE or KERNEL=FLAVOUR chooses one; a flavour is cloud-amd64, amd64 or rt-amd64."
	echo "The archive has these:"
	KERNEL='([a-z]+-)?amd64' candidates | head -n 12 | sed 's/^/  /'
	return 1
}

# Source, configuration, symbols, kernel image and modules of a release.
unpack_kernel() {
	local release=$1 dir=$BUILD/kernel/$1.tmp base deb file
	base=$(base_version "$release")
	rm -rf "$dir" "$BUILD/kernel/$release"
	mkdir -p "$dir/src" "$dir/shipped" "$dir/debs" "$dir/modules/lib"
	for deb in "linux-headers-$release" "linux-source-$base" "linux-modules-$release"; do
		fetch "$deb" "$dir/debs"
	done
	fetch "linux-binary-$release" "$dir/debs" || fetch "linux-image-$release" "$dir/debs"

	for file in .config Module.symvers; do
		dpkg-deb --fsys-tarfile "$dir"/debs/linux-headers-*.deb |
			tar -xO "./usr/src/linux-headers-$release/$file" > "$dir/shipped/$file"
	done
	dpkg-deb --fsys-tarfile "$dir"/debs/linux-source-*.deb |
		tar -xO "./usr/src/linux-source-$base.tar.xz" |
		inroot tar -xJ --no-same-owner -C "$dir/src" --strip-components=1
	for deb in "$dir"/debs/linux-modules-*.deb "$dir"/debs/linux-[bi]*.deb; do
		dpkg-deb -x "$deb" "$dir/unpacked"
	done
	find "$dir/unpacked" -name 'vmlinuz*' -type f -exec mv {} "$dir/vmlinuz" \;
	find "$dir/unpacked" -type d -path '*/lib/modules' -exec mv {} "$dir/modules/lib/" \; -prune
	# In the guest unpacking costs more than reading, and so it does for depmod.
	find "$dir/modules" -name '*.ko.xz' -print0 | inroot xargs -0 -r -P "$(nproc)" -n 50 xz -d
	inroot depmod -b "$dir/modules" "$release"

	for file in vmlinuz shipped/Module.symvers src/rust/kernel/lib.rs \
		"modules/lib/modules/$release/modules.dep.bin"; do
		[ -s "$dir/$file" ] || {
			echo "error: the packages of $release have no $file"
			return 1
		}
	done
	rm -rf "$dir/debs" "$dir/unpacked"
	mv "$dir" "$BUILD/kernel/$release"
}

# The Rust metadata, made as the kernel itself makes it before its first object.
# Where a tool is missing here, Kconfig would quietly drop what depends on it,
# and structures would differ from those of the kernel: that is an error.
make_metadata() {
	local dir=$BUILD/kernel/$1
	rm -rf "$dir/build" "$dir/stamp"
	cp -r "$dir/shipped" "$dir/build"
	# shellcheck disable=SC2046 # the words of the compilers' names
	inroot make -C "$dir/src" O="$dir/build" -j"$(nproc)" \
		$(compilers "$dir/build") KERNELRELEASE="$1" prepare modules_prepare
	diff "$dir/shipped/.config" "$dir/build/.config" || {
		echo "error: the configuration changed (see above): a tool of the kernel's build is missing or of another version in $ROOT"
		return 1
	}
}

# Only the version's text guards a Rust module against a wrong tree, so that the
# metadata are compared with the kernel before anything is built with them.
check_metadata() {
	"$TOP/scripts/check/check-kdir.sh" "$BUILD/kernel/$1/build" "$TOP/scripts/vm/inroot"
	printf '%s\n' "$2" > "$BUILD/kernel/$1/stamp"
}

# The metadata know the place that they were made in.
metadata_hash() {
	{
		echo "$TOP"
		cat "$ROOT/tools" 2> /dev/null || true
		code_of make_metadata check_metadata
	} | hash_of
}

# What the guest needs of the kernel: modules, and the YNL client with the specs;
# and the first files, which find the rest.
make_guest_kernel() {
	local release=$1 kernel=$BUILD/kernel/$1 dir=$BUILD/kernel/$1/guest.tmp tree linux module
	rm -rf "$dir"
	tree=$dir/tree
	linux=$tree/usr/src/linux
	mkdir -p "$linux/tools/net/ynl" "$linux/Documentation" "$tree/usr/lib"
	cp -r "$kernel/src/tools/net/ynl/pyynl" "$linux/tools/net/ynl/"
	cp -r "$kernel/src/Documentation/netlink" "$linux/Documentation/"
	cp -r "$kernel/modules/lib/modules" "$tree/usr/lib/"
	# Under emulation compiling costs more than reading.
	inroot sh -c "cd '$tree' && python3 -m compileall -q --invalidation-mode unchecked-hash ."
	inroot mkfs.erofs "${EROFS[@]}" "$dir/kernel.erofs" "$tree"

	# Where the texts of errors stand: the guest has no source, and the tracer looks for them.
	inroot "$TOP/scripts/path/trace_why.py" --index "$dir/extack.json" "$kernel/src"

	mkdir -p "$dir/initrd/bin" "$dir/initrd/modules"
	cp "$ROOT/bin/busybox" "$dir/initrd/bin/"
	cp "$TOP/scripts/vm/guest/initrd-init" "$dir/initrd/init"
	chmod +x "$dir/initrd/init"
	touch "$dir/initrd/modules/order"
	for module in virtio_blk erofs overlay; do
		inroot modprobe -d "$kernel/modules" -S "$release" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' |
		while read -r module; do
			cp "$module" "$dir/initrd/modules/"
			basename "$module" >> "$dir/initrd/modules/order"
		done
	# Unpacking itself takes the kernel longer under emulation than all of its boot.
	if [ -e "$kernel/vmlinux" ]; then
		cp "$kernel/vmlinux" "$dir/vmlinux"
	else
		inroot sh "$kernel/src/scripts/extract-vmlinux" "$kernel/vmlinuz" > "$dir/vmlinux"
	fi
	[ -s "$dir/vmlinux" ]
	inroot sh -c "cd '$dir/initrd' && find . | cpio -o -H newc --quiet -R 0:0 > ../initrd.cpio"
	inroot fsck.erofs "$dir/kernel.erofs"
	rm -rf "$tree" "$dir/initrd" "$kernel/guest"
	printf '%s\n' "$2" > "$dir/stamp"
	mv "$dir" "$kernel/guest"
}

guest_kernel_hash() {
	{
		echo "${EROFS[*]}"
		code_of make_guest_kernel
		cat "$TOP/scripts/vm/guest/initrd-init" "$TOP/scripts/path/trace_why.py"
	} | hash_of
}

choose() {
	local dir=$BUILD/kernel/choice.tmp
	step "choice of the kernel" choose_kernel "$dir"
	release=$(cat "$dir/release")
	mv "$dir/why" "$STATE/why-$CHOICE"
	rm -rf "$dir"
}

is_unpacked() {
	[ -e "$BUILD/kernel/$1/vmlinuz" ]
}

kernel_is_ready() {
	local release
	release=$(readlink "$CURRENT") || return 1
	is_unpacked "$release" &&
		is_fresh "$BUILD/kernel/$release/stamp" "$(metadata_hash)" &&
		is_fresh "$BUILD/kernel/$release/guest/stamp" "$(guest_kernel_hash)"
}

prepare_kernel() {
	local release want
	release=$(readlink "$CURRENT" || true)
	mkdir -p "$BUILD/kernel"
	if [ "$update" = 1 ] || [ -z "$release" ] || ! is_unpacked "$release"; then
		choose
		is_unpacked "$release" || step "$release: packages and source" unpack_kernel "$release"
		ln -sfn "$release" "$BUILD/kernel/link.tmp"
		mv -T "$BUILD/kernel/link.tmp" "$CURRENT"
	fi
	want=$(metadata_hash)
	if ! is_fresh "$BUILD/kernel/$release/stamp" "$want"; then
		step "$release: Rust metadata" make_metadata "$release"
		step "$release: metadata against the kernel" check_metadata "$release" "$want"
	fi
	want=$(guest_kernel_hash)
	if ! is_fresh "$BUILD/kernel/$release/guest/stamp" "$want"; then
		step "$release: modules and YNL for the guest" make_guest_kernel "$release" "$want"
	fi
}

# Removes the kernels that no choice refers to.
prune() {
	local dir
	for dir in "$BUILD"/kernel/*/; do
		dir=$(basename "$dir")
		[ ! -L "$BUILD/kernel/$dir" ] || continue
		[ -z "$(find "$BUILD/kernel" -maxdepth 1 -type l -lname "$dir")" ] || continue
		note "Removing $dir."
		rm -rf "$BUILD/kernel/$dir" "$BUILD/mod/$dir" "$BUILD/mod/$dir.tree"
	done
}

#
# The guest
#

# The same for all kernels and all runs; what changes comes beside it.
make_guest() {
	local dir=$BUILD/guest.tmp tree=$BUILD/guest.tmp/tree
	mkdir -p "$dir"
	debootstrap "$SUITE" "$GUEST_PACKAGES" "$tree"
	inroot dpkg-query --admindir="$tree/var/lib/dpkg" -W \
		-f '${Package} ${Version} ${source:Package} ${source:Version}\n' > "$dir/packages"
	# What tells of the time when it was made, too.
	rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree/usr/lib/modules" \
		"$tree"/var/log/* "$tree"/var/cache/ldconfig/*
	mkdir -p "$tree/genl" "$tree/out"
	inroot sh -c "cd '$tree' && python3 -m compileall -q --invalidation-mode unchecked-hash usr/lib/python3 usr/lib/python3.*"
	inroot mkfs.erofs "${EROFS[@]}" "$dir/root.erofs" "$tree"
	inroot fsck.erofs "$dir/root.erofs"
	rm -rf "$tree" "$BUILD/guest"
	printf '%s\n' "$1" > "$dir/stamp"
	mv "$dir" "$BUILD/guest"
}

guest_hash() {
	{
		echo "$SUITE $GUEST_PACKAGES ${EROFS[*]}"
		code_of debootstrap make_guest
	} | hash_of
}

#
# All together
#

is_ready() {
	[ "$update" = 0 ] && is_fresh "$ROOT/stamp" "$(root_hash)" &&
		is_fresh "$BUILD/guest/stamp" "$(guest_hash)" && kernel_is_ready
}

prepare() {
	local needs=()
	is_ready && return
	host_packages
	host_limits
	is_fresh "$ROOT/stamp" "$(root_hash)" || needs+=("$ROOT_NEEDS")
	is_fresh "$BUILD/guest/stamp" "$(guest_hash)" || needs+=("$GUEST_NEEDS")
	kernel_is_ready || needs+=("$KERNEL_NEEDS")
	disk "${needs[@]}" 0
	mirror > /dev/null
	note "Preparing in .build, once:"
	prepare_root
	prepare_kernel
	is_fresh "$BUILD/guest/stamp" "$(guest_hash)" ||
		step "guest image" make_guest "$(guest_hash)"
}

# scripts/vm/debug-kernel.sh takes the functions only.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

# A kernel that the archive does not have, but its source.
if [ "${KERNEL:-}" = debug ] && [ $# = 0 ]; then
	exec "$TOP/scripts/vm/debug-kernel.sh"
fi

update=0
case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
--update) update=1 ;;
--prune) ;;
'') ;;
*)
	die "unknown option '$1': see scripts/vm/prepare.sh --help"
	;;
esac
case ${KERNEL:-} in
*[!a-z0-9.+~-]*) die "KERNEL=$KERNEL is neither a release nor a flavour, such as cloud-amd64" ;;
esac
[ ! -L "$BUILD" ] ||
	die "$BUILD is a link, and the sandbox of the tools shows only what is in $TOP: move the project itself"
# What two users make there, neither can mend.
room "$STATE" 20
room "$LOG" 20
if [ ! -O "$BUILD" ] || [ ! -O "$STATE" ]; then
	not_ours "$BUILD"
fi
if [ "${1:-}" = --prune ]; then
	locked lock "another preparation or build" prune
else
	# Nobody waits when there is nothing to do.
	is_ready || locked lock "another preparation or build" prepare
fi
