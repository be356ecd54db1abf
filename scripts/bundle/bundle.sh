#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make bundle': archives that run a command beside nlpeer on any machine with
# QEMU, and need nothing of this project.
#
#   scripts/bundle/bundle.sh [--dir DIR] [small|full]
#
# Writes DIR/nlpeer-VERSION-KERNEL-ARCH.tar.zst, which runs static programs and
# shell, and ...-full.tar.zst, which has Python, iproute2, libnl, libmnl, strace,
# YNL and the tracer; a word makes only one of the two. DIR is .build/bundle. The
# same inputs make the same bytes.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

dir=$BUILD/bundle kinds=()
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help)
		sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
		exit
		;;
	--dir)
		[ $# -ge 2 ] || die "--dir needs a folder"
		dir=$2 && shift
		;;
	small | full) kinds+=("$1") ;;
	*) die "unknown word '$1': see scripts/bundle/bundle.sh --help" ;;
	esac
	shift
done
[ ${#kinds[@]} -gt 0 ] || kinds=(small full)

RELEASE=$(readlink "$CURRENT")
KERNEL_DIR=$BUILD/kernel/$RELEASE
TREE=$BUILD/mod/$RELEASE.tree
# MiB of what is staged and packed.
room "$dir" 400
[ -e "$TREE/stamp" ] || die "the modules are not built yet: run 'make bundle'"

# The day and the commit of the sources, and whether they have changed since.
version() {
	git -C "$TOP" log -1 --date=format:%Y%m%d --format=%cd.%h 2> /dev/null | tr -d '\n'
	[ -z "$(git -C "$TOP" status --porcelain --untracked-files=no 2> /dev/null)" ] || printf .changed
}

VERSION=$(version)
[ -n "$VERSION" ] || die "git knows no commit here, and a bundle is named after one: use a clone"
SOURCE_DATE_EPOCH=$(git -C "$TOP" log -1 --format=%ct)

# What the root of the guest gets, in both bundles.
payload() {
	local genl=$1/genl
	mkdir -p "$genl/run" "$genl/specs" "$genl/mod"
	install -m 755 "$TOP/scripts/vm/guest/init" "$genl/run/init"
	cp "$TOP/rust/nlpeer/nlpeer.yaml" "$TOP/rust/nlpeer/nlpeer.h" "$genl/specs/"
	"$TOP/scripts/vm/inroot" llvm-strip --strip-debug -o "$genl/mod/nlpeer.ko" "$BUILD/mod/$RELEASE/nlpeer.ko"
}

# small_root INITRD: makes it a root of its own, which needs no module for images. The
# programs of busybox have the same names on all machines.
small_root() {
	local modules=$1/lib/modules/$RELEASE program
	rmdir "$1"/layer/* "$1/layer"
	mkdir -p "$1"/{etc,run,tmp,out} "$modules"
	sed -i '/^virtio_blk/q' "$1/modules/order"
	find "$1/modules" -name '*.ko' | grep -vFf "$1/modules/order" | xargs -r rm
	for program in $("$TOP/scripts/vm/inroot" --root "$HOST_ROOT" busybox --list); do
		[ "$program" = busybox ] || ln -s busybox "$1/bin/$program"
	done
	echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh' > "$1/etc/passwd"
	echo 'root:x:0:
nogroup:x:65534:' > "$1/etc/group"
	ln -s /genl/mod/nlpeer.ko "$modules/nlpeer.ko"
	echo nlpeer.ko: > "$modules/modules.dep"
}

# What modprobe finds beside the modules of the kernel's image.
full_modules() {
	local modules=$1/usr/lib/modules/$RELEASE
	mkdir -p "$modules/updates" "$1/genl/path"
	cp "$TREE/lib/modules/$RELEASE"/modules.* "$modules/"
	ln -s /genl/mod/nlpeer.ko "$modules/updates/nlpeer.ko"
	cp "$TOP"/scripts/path/*.py "$KERNEL_DIR/guest/extack.json" "$1/genl/path/"
}

# licences FOLDER: of the kernel and of what is in a small bundle. The image of the
# full one has those of its packages in /usr/share/doc.
licences() {
	mkdir -p "$1"
	cp "$TOP/LICENSE" "$1/rust-genl"
	cp "$KERNEL_DIR/src/COPYING" "$1/linux"
	cp "$KERNEL_DIR/src/LICENSES/preferred/GPL-2.0" "$1/GPL-2.0"
	cp "$KERNEL_DIR/src/LICENSES/exceptions/Linux-syscall-note" "$1/"
	cp "$ROOT/usr/share/doc/busybox-static/copyright" "$1/busybox"
}

# The packages that Debian made of a source: PACKAGE VERSION SOURCE VERSION.
packages() {
	local kernel
	kernel=$(grep -a -m 1 -o 'Linux version [0-9][^(]* (.* Debian [0-9][^ ]* (' "$KERNEL_DIR/guest/vmlinux" |
		sed 's/.* Debian \([^ ]*\) ($/\1/')
	echo "linux-image-$RELEASE $kernel linux $kernel"
	"$TOP/scripts/vm/inroot" dpkg-query -W \
		-f '${Package} ${Version} ${source:Package} ${source:Version}\n' busybox-static
	[ "$1" = small ] || cat "$GUEST/packages"
}

manifest() {
	local file
	echo "nlpeer $VERSION"
	echo "linux $RELEASE"
	echo "arch $MACHINE"
	# What Debian ships, which vmlinux was taken out of.
	echo "vmlinuz sha256 $(sha256sum < "$KERNEL_DIR/vmlinuz" | cut -d ' ' -f 1)"
	for file in vmlinux initrd root.erofs kernel.erofs; do
		[ ! -e "$file" ] || echo "file $file $(wc -c < "$file") sha256 $(sha256sum < "$file" | cut -d ' ' -f 1)"
	done
	packages "$1" | sed 's/^/package /'
}

# make KIND: one archive.
bundle() {
	local kind=$1 suffix='' name work
	[ "$kind" = small ] || suffix=-full
	name=nlpeer-$VERSION-$RELEASE-$MACHINE$suffix
	work=$BUILD/bundle.tmp
	rm -rf "$work"
	mkdir -p "$work/initrd" "$work/$name"
	"$TOP/scripts/vm/inroot" sh -c "cd '$work/initrd' && cpio -i --quiet" < "$KERNEL_DIR/guest/initrd.cpio"
	if [ "$kind" = small ]; then
		payload "$work/initrd"
		small_root "$work/initrd"
	else
		payload "$work/initrd/payload"
		full_modules "$work/initrd/payload"
		cp "$GUEST/root.erofs" "$KERNEL_DIR/guest/kernel.erofs" "$work/$name/"
	fi
	find "$work/initrd" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	"$TOP/scripts/vm/inroot" sh -c "cd '$work/initrd' && find . | sort |
		cpio --reproducible -o -H newc --quiet -R 0:0" > "$work/$name/initrd"

	cd "$work/$name"
	cp "$KERNEL_DIR/guest/vmlinux" .
	install -m 755 "$TOP/scripts/bundle/nlpeer-vm" nlpeer-vm
	cp "$TOP/scripts/bundle/bundle.md" README.md
	cp "$TOP/rust/nlpeer/nlpeer.yaml" "$TOP/rust/nlpeer/nlpeer.h" .
	licences LICENSES
	manifest "$kind" > MANIFEST
	chmod -R u+rw,go+r-w,a+rX .
	cd "$work"
	mkdir -p "$dir"
	tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
		--format=gnu -c "$name" |
		"$TOP/scripts/vm/inroot" zstd -q -12 -T2 > "$dir/$name.tar.zst.tmp"
	mv "$dir/$name.tar.zst.tmp" "$dir/$name.tar.zst"
	cd "$TOP"
	rm -rf "$work"
}

mkdir -p "$dir"
dir=$(cd "$dir" && pwd -P)
for kind in "${kinds[@]}"; do
	locked lock "another preparation or build" step "bundle: $kind" bundle "$kind"
done
for kind in "${kinds[@]}"; do
	[ "$kind" = small ] && file=$dir/nlpeer-$VERSION-$RELEASE-$MACHINE.tar.zst ||
		file=$dir/nlpeer-$VERSION-$RELEASE-$MACHINE-full.tar.zst
	note "${file#"$TOP"/}: $(($(stat -c %s "$file") / 1000000)) MB"
done
