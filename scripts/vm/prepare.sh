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
# host's apt. ARCH=arm64 or ARCH=x86_64 is the machine of the guest, where it is
# another one than this: what is made for it lies beside the rest. --update looks for a newer kernel than the one that was chosen
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
	$HOST_PACKAGES rust-analyzer rust-clippy rust-src rustc rustfmt shellcheck xz-utils
	yamllint zstd"
# What the root has besides for the guest of another machine: a compiler and what it
# links, and the first program of the guest instead of that of this machine.
CROSS_PACKAGES="$PACKAGES gcc-14-${GNU//_/-} busybox-static:$DEBIAN libc6-dev-$DEBIAN-cross
	libmnl-dev:$DEBIAN libnl-3-dev:$DEBIAN libnl-genl-3-dev:$DEBIAN"
# What decides whether the metadata of one root do for another.
TOOLS="rustc rust-src bindgen gcc-14 clang llvm pahole"
# What a user of the guest finds in it.
GUEST_PACKAGES="busybox iproute2 kmod libnl-3-200 libnl-genl-3-200 libnl-utils
	make mount procps python3 python3-jsonschema python3-yaml strace util-linux
	wireguard-tools"

# An image of the same files is the same bytes.
EROFS=(-zlz4 --all-root --quiet -T0 -U 00000000-0000-4000-8000-000000000000)

# MiB while they are made, as measured, and some more.
ROOT_NEEDS=3000 CROSS_NEEDS=900 KERNEL_NEEDS=2700 GUEST_NEEDS=600

# The text of functions, for a stamp. Where a script lies is no reason to make
# anything anew, nor what is called otherwise on or for another machine.
code_of() {
	local code
	code=$(declare -f "$@" | sed -E 's,scripts/(vm|check)/,scripts/,g')
	code=${code//"'\"\$HOST\"'"/$HOST}
	code=${code//"'\"\$HOST_GNU\"'"/$HOST_GNU}
	code=${code//\$HOST_ROOT/\$ROOT}
	code=${code//\$GUEST\"/\$BUILD/guest\"}
	code=${code//\$GUEST./\$BUILD/guest.}
	printf '%s\n' "${code//\$MAKE_TREE/$MAKE_TREE}"
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
	[ -n "$HOST" ] ||
		die "this is $(uname -m): the virtual machine needs an x86-64 or arm64 host (on your own kernel: make modules KDIR=...)"
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
	local tmp=$HOST_ROOT.tmp
	debootstrap "$ROOT_SUITES" "$ROOT_PACKAGES" "$tmp"
	use_archive "$tmp"
	"$TOP/scripts/vm/inroot" --root "$tmp" sh -c '
		set -e
		rustc --version && bindgen --version && '"$HOST_GNU"'-gcc-14 --version
		qemu-system-'"$HOST"' --version && mkfs.erofs -V && shellcheck --version
		dpkg-query -W > /packages
		dpkg-query -W -f "\${Package} \${Version}\n" '"$TOOLS"' > /tools'
	printf '%s\n' "$1" > "$tmp/stamp"
	rm -rf "$HOST_ROOT.old"
	[ ! -e "$HOST_ROOT" ] || mv "$HOST_ROOT" "$HOST_ROOT.old"
	mv "$tmp" "$HOST_ROOT"
	rm -rf "$HOST_ROOT.old"
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

# The root for the guest of another machine: that of this one, and what it needs
# besides. The programs of both are the same files, which dpkg replaces and never
# changes in place.
make_cross_root() {
	local tmp=$ROOT.tmp dir
	rm -rf --one-file-system "$tmp"
	mkdir "$tmp"
	for dir in "$HOST_ROOT"/*; do
		case ${dir##*/} in
		usr) cp -al "$dir" "$tmp/" ;;
		dev | proc | sys) mkdir "$tmp/${dir##*/}" ;;
		stamp) ;;
		*) cp -a "$dir" "$tmp/" ;;
		esac
	done
	use_archive "$tmp"
	"$TOP/scripts/vm/inroot" --root "$tmp" sh -c '
		set -e
		dpkg --add-architecture '"$DEBIAN"'
		apt-get update
		DEBIAN_FRONTEND=noninteractive apt-get install -y '"${CROSS_PACKAGES//[[:space:]]/ }"'
		apt-get clean
		'"$GNU"'-gcc-14 --version && qemu-system-'"$MACHINE"' --version
		dpkg-query -W > /packages
		dpkg-query -W -f "\${Package} \${Version}\n" '"$TOOLS"' > /tools'
	printf '%s\n' "$1" > "$tmp/stamp"
	rm -rf "$ROOT"
	mv "$tmp" "$ROOT"
}

# One for the packages of the other as well, since those of both machines have to
# be of one version.
cross_root_hash() {
	{
		root_hash
		echo "$CROSS_PACKAGES"
		cat "$HOST_ROOT/packages"
		code_of make_cross_root
	} | hash_of
}

replace_cross_root() {
	step "toolchain root for $DEBIAN" make_cross_root "$(cross_root_hash)"
}

# replacing ROOT FUNCTION
replacing() {
	if [ -e "$1" ]; then
		locked use.lock "those who use the toolchain root, which has to be made anew" "$2"
	else
		"$2"
	fi
}

host_root_is_ready() {
	is_fresh "$HOST_ROOT/stamp" "$(root_hash)"
}

root_is_ready() {
	host_root_is_ready || return 1
	[ -z "$OTHER" ] || is_fresh "$ROOT/stamp" "$(cross_root_hash)"
}

prepare_root() {
	host_root_is_ready || replacing "$HOST_ROOT" replace_root
	root_is_ready || replacing "$ROOT" replace_cross_root
}

#
# The kernel
#

inroot() {
	"$TOP/scripts/vm/inroot" "$@"
}

# The releases that could do, newest first.
candidates() {
	local pattern="-cloud-$DEBIAN\$"
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
	echo "KERNEL=RELEASE or KERNEL=FLAVOUR chooses one; a flavour is cloud-$DEBIAN, $DEBIAN or rt-$DEBIAN."
	echo "The archive has these:"
	KERNEL="([a-z]+-)?$DEBIAN" candidates | head -n 12 | sed 's/^/  /'
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
	# QEMU takes it as it is where it is no archive that unpacks itself.
	[ "$MACHINE" = x86_64 ] || ln "$dir/vmlinuz" "$dir/vmlinux"
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

	mkdir -p "$dir/initrd"/{bin,modules,proc,sys,dev,root,layer/{root,kernel,top}}
	cp "$ROOT/bin/busybox" "$dir/initrd/bin/"
	cp -r "$TOP/scripts/vm/guest/mounts" "$dir/initrd/"
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
		cat "$TOP"/scripts/vm/guest/{initrd-init,mounts/first,mounts/then} "$TOP/scripts/path/trace_why.py"
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

# unpack_tree SUITES PACKAGES DIR: as debootstrap, for a machine whose programs cannot
# be run here. The packages are unpacked, and what their scripts would have made and
# somebody needs is made here.
unpack_tree() {
	local state=$3.apt dir=$3 deb debs
	local options=(-o "Dir::State=$state" -o "Dir::State::status=/dev/null" -o "Dir::Cache=$state"
		-o "APT::Architecture=$DEBIAN" -o "APT::Architectures=$DEBIAN")
	rm -rf "$state" "$dir"
	mkdir -p "$state/lists/partial" "$state/archives/partial" "$dir/var/lib/dpkg"
	archive "$1" > "$state/sources"
	options+=(-o "Dir::Etc::sourcelist=$state/sources" -o "Dir::Etc::sourceparts=/dev/null")
	inroot apt-get "${options[@]}" update
	# shellcheck disable=SC2086 # words
	inroot apt-get "${options[@]}" install -y --download-only '?essential' $2
	# The links that lead to /usr come first.
	debs=("$state"/archives/base-files_*.deb "$state"/archives/*.deb)
	for deb in "${debs[@]}"; do
		inroot dpkg-deb --fsys-tarfile "$deb" | tar -x -p -C "$dir" --no-same-owner --keep-directory-symlink \
			--wildcards --exclude './usr/share/locale/*' --exclude './usr/share/man/*'
	done
	find "$dir/usr/share/doc" ! -type d ! -name copyright -delete
	for deb in "${debs[@]:1}"; do
		inroot dpkg-deb -f "$deb"
		printf 'Status: install ok installed\n\n'
	done > "$dir/var/lib/dpkg/status"
	cp "$dir/usr/share/base-passwd/passwd.master" "$dir/etc/passwd"
	cp "$dir/usr/share/base-passwd/group.master" "$dir/etc/group"
	ln -s mawk "$dir/usr/bin/awk"
	ln -s which.debianutils "$dir/usr/bin/which"
	ln -s more "$dir/usr/bin/pager"
	mkdir "$dir/mnt"
	rm -rf "$state"
}

MAKE_TREE=debootstrap
[ -z "$OTHER" ] || MAKE_TREE=unpack_tree

# The same for all kernels and all runs; what changes comes beside it.
make_guest() {
	local dir=$GUEST.tmp tree=$GUEST.tmp/tree
	mkdir -p "$dir"
	$MAKE_TREE "$SUITE" "$GUEST_PACKAGES" "$tree"
	inroot dpkg-query --admindir="$tree/var/lib/dpkg" -W \
		-f '${Package} ${Version} ${source:Package} ${source:Version}\n' > "$dir/packages"
	# What tells of the time when it was made, too.
	rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree/usr/lib/modules" \
		"$tree"/var/log/* "$tree"/var/cache/ldconfig/*
	mkdir -p "$tree/genl" "$tree/out"
	inroot sh -c "cd '$tree' && python3 -m compileall -q --invalidation-mode unchecked-hash usr/lib/python3 usr/lib/python3.*"
	inroot mkfs.erofs "${EROFS[@]}" "$dir/root.erofs" "$tree"
	inroot fsck.erofs "$dir/root.erofs"
	rm -rf "$tree" "$GUEST"
	printf '%s\n' "$1" > "$dir/stamp"
	mv "$dir" "$GUEST"
}

guest_hash() {
	{
		echo "$SUITE $GUEST_PACKAGES ${EROFS[*]}"
		code_of "$MAKE_TREE" make_guest
	} | hash_of
}

#
# All together
#

is_ready() {
	[ "$update" = 0 ] && root_is_ready &&
		is_fresh "$GUEST/stamp" "$(guest_hash)" && kernel_is_ready
}

prepare() {
	local needs=()
	is_ready && return
	host_packages
	host_limits
	host_root_is_ready || needs+=("$ROOT_NEEDS")
	[ -z "$OTHER" ] || root_is_ready || needs+=("$CROSS_NEEDS")
	is_fresh "$GUEST/stamp" "$(guest_hash)" || needs+=("$GUEST_NEEDS")
	kernel_is_ready || needs+=("$KERNEL_NEEDS")
	disk "${needs[@]}" 0
	mirror > /dev/null
	note "Preparing in .build, once:"
	prepare_root
	prepare_kernel
	is_fresh "$GUEST/stamp" "$(guest_hash)" ||
		step "guest image${OTHER:+ for $DEBIAN}" make_guest "$(guest_hash)"
}

# scripts/vm/debug-kernel.sh takes the functions only.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

# A kernel that the archive does not have, but its source.
if [ "${KERNEL:-}" = debug ] && [ $# = 0 ]; then
	only_x86 KERNEL=debug
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
[ -n "$MACHINE" ] || [ -z "${ARCH:-}" ] ||
	die "ARCH=$ARCH is neither x86_64 nor arm64: there is a virtual machine for these two"
for other in amd64 arm64; do
	[[ $other = "$DEBIAN" || "-${KERNEL:-}-" != *-$other-* ]] ||
		die "KERNEL=$KERNEL is a kernel for $other, and the guest is $DEBIAN: give ARCH=${other/amd64/x86_64}, or another KERNEL="
done
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
