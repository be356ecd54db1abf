#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs one command, or a shell, in the guest: Debian's stock kernel with the
# modules of this project, under QEMU.
#
#   scripts/vm.sh [OPTION...] --cmd COMMAND
#   scripts/vm.sh [OPTION...] --shell
#
#   --cmd COMMAND   run it with sh, as root; its output and exit status come
#                   through
#   --shell         a shell on this terminal; 'exit' ends the guest
#   --dir DIR       the command begins in a copy of this folder
#   --out DIR       what it writes to $OUT (/out) comes back here (.build/out)
#   --env NAME=VALUE a variable for the command
#   --append ARGS   more arguments for the kernel
#   --no-load       do not load nlpeer
#   --smp N         processors (2)
#   --mem MIB       memory (1024)
#   --timeout S     end the guest after so many seconds (600; a shell: none)
#   --qemu ARGS     replace the accelerator by these arguments of QEMU
#   --quiet         say nothing of the accelerator
#
# ACCEL=tcg or ACCEL=kvm chooses the accelerator; else KVM is used where a guest
# runs in it. Exits with the status of the command; 125 when the guest failed,
# 124 when its time was over.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

cmd= shell=0 dir= out=$BUILD/out append= load=1 smp=2 mem=1024 timeout= qemu= quiet=0 probe=0
environment=()
while [ $# -gt 0 ]; do
	case $1 in
	--cmd | --dir | --out | --append | --smp | --mem | --timeout | --qemu)
		[ $# -ge 2 ] || die "$1 needs a value"
		declare "${1#--}=$2"
		shift
		;;
	--env)
		[ $# -ge 2 ] || die "--env needs NAME=VALUE"
		environment+=("$2")
		shift
		;;
	--shell) shell=1 ;;
	--no-load) load=0 ;;
	--quiet) quiet=1 ;;
	--probe) probe=1 ;;
	-h | --help)
		sed -n '4,/^$/{s/^# \{0,1\}//p};/^set -/q' "$0"
		exit
		;;
	*) die "unknown option '$1': see scripts/vm.sh --help" ;;
	esac
	shift
done
[ "$shell" = 1 ] || [ -n "$cmd" ] || [ "$probe" = 1 ] ||
	die "there is nothing to run: give --cmd COMMAND or --shell"
if [ ! -e "$CURRENT/stamp" ] || [ ! -e "$BUILD/guest/root.erofs" ]; then
	die "nothing is prepared yet: run 'make prepare'"
fi
[ -z "$dir" ] || [ -d "$dir" ] || die "--dir $dir is not a folder"

RELEASE=$(readlink "$CURRENT")
mkdir -p "$BUILD/vm" "$LOG" "$BUILD/state"
RUN=$(mktemp -d "$BUILD/vm/run.XXXXXX")
tty=
qemu_pid=

cleanup() {
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2> /dev/null || true
	[ -z "$tty" ] || stty "$tty" 2> /dev/null || true
	rm -rf "$RUN"
}
trap cleanup EXIT
trap 'note "Interrupted: the guest is gone."; exit 130' INT
trap 'exit 143' TERM HUP

# KVM is there if a guest runs in it; a device file says nothing.
accelerator() {
	local cache=$BUILD/state/accel boot key
	case ${ACCEL:-} in
	tcg | kvm)
		printf '%s' "$ACCEL"
		return
		;;
	'') ;;
	*) die "ACCEL=$ACCEL is neither tcg nor kvm" ;;
	esac
	[ -e /dev/kvm ] || {
		printf tcg
		return
	}
	boot=$(cat /proc/sys/kernel/random/boot_id)
	key="$boot $(id -u) $RELEASE"
	if [ ! -f "$cache" ] || [ "$(head -n 1 "$cache")" != "$key" ]; then
		if ACCEL=kvm "$TOP/scripts/vm.sh" --probe --no-load --quiet --timeout 25 \
			> "$LOG/kvm-probe.log" 2>&1; then
			printf '%s\nkvm\n' "$key" > "$cache"
		else
			printf '%s\ntcg\n' "$key" > "$cache"
		fi
	fi
	tail -n 1 "$cache"
}

payload() {
	local genl=$RUN/payload/payload/genl updates
	mkdir -p "$genl/run" "$genl/mod"
	cp "$TOP/scripts/guest/init" "$genl/run/init"
	chmod +x "$genl/run/init"
	for variable in "${environment[@]}"; do
		printf "export %s='%s'\n" "${variable%%=*}" \
			"$(printf '%s' "${variable#*=}" | sed "s/'/'\\\\''/g")" >> "$genl/run/cmd"
	done
	printf '%s\n' "$cmd" >> "$genl/run/cmd"
	{
		printf 'PROBE=%s LOAD=%s SHELL_MODE=%s\n' "$probe" "$load" "$shell"
		[ "$shell" = 0 ] || printf 'TERMINAL=%q ROWS=%s COLS=%s\n' "${TERM:-dumb}" \
			"$(tput lines 2> /dev/null || echo 24)" "$(tput cols 2> /dev/null || echo 80)"
	} > "$genl/run/settings"
	[ "$probe" = 0 ] || return 0
	[ -d "$BUILD/mod/$RELEASE.tree" ] || die "the modules are not built yet: run 'make modules'"
	cp "$BUILD/mod/$RELEASE"/*.ko "$genl/mod/"
	mkdir -p "$genl/scripts" "$genl/specs"
	cp "$TOP"/scripts/*.py "$genl/scripts/" 2> /dev/null || true
	cp "$TOP"/scripts/guest/demo.* "$genl/scripts/" 2> /dev/null || true
	cp "$TOP"/rust/specs/* "$genl/specs/"
	[ ! -d "$BUILD/selftests" ] || cp -r "$BUILD/selftests" "$genl/selftests"
	updates=$RUN/payload/payload/usr/lib/modules/$RELEASE
	mkdir -p "$updates/updates"
	cp "$BUILD/mod/$RELEASE/nlpeer.ko" "$updates/updates/"
	cp "$BUILD/mod/$RELEASE.tree/lib/modules/$RELEASE"/modules.* "$updates/"
}

if [ "$probe" = 1 ]; then
	accel=$ACCEL
else
	accel=$(accelerator)
	if [ "$quiet" = 0 ] && [ -z "$qemu" ]; then
		case $accel in
		kvm) note "The guest runs in KVM." ;;
		*) note "The guest runs under emulation (TCG)${ACCEL:+, as ACCEL says}: no guest runs in KVM here." ;;
		esac
	fi
fi
: "${timeout:=$([ "$shell" = 1 ] && echo 0 || echo 600)}"

payload
cat > "$RUN/start" <<-'START'
	set -e
	cd "$1/payload"
	find . | cpio -o -H newc --quiet -R 0:0 > ../payload.cpio
	cd ..
	cat "$2" payload.cpio > initrd
	if [ -n "$3" ]; then
		mkfs.erofs --all-root --quiet dir.erofs "$3"
	fi
	shift 3
	exec "$@"
START

case $accel in
kvm) machine=(-accel kvm -cpu host) ;;
*) machine=(-accel tcg,thread=multi -cpu max) ;;
esac
# shellcheck disable=SC2206 # words are what the option is for
[ -z "$qemu" ] || machine=($qemu)

console=$LOG/console.$$.log
disks=(-drive "file=$BUILD/guest/root.erofs,format=raw,if=none,id=root,readonly=on"
	-device virtio-blk-pci,drive=root)
binds=()
if [ -n "$dir" ]; then
	dir=$(cd "$dir" && pwd -P)
	binds=(--bind "$dir")
	disks+=(-drive "file=$RUN/dir.erofs,format=raw,if=none,id=dir,readonly=on"
		-device virtio-blk-pci,drive=dir)
fi
port() {
	ports+=(-chardev "$2,id=$1" -device "virtserialport,chardev=$1,name=genl.$1")
}
ports=(-device virtio-serial-pci)
port status "file,path=$RUN/status"
port out "file,path=$RUN/out.tar"
if [ "$shell" = 1 ]; then
	ports+=(-chardev stdio,id=shell,signal=off -device virtconsole,chardev=shell)
else
	port stdout "file,path=/dev/fdset/1,append=on"
	port stderr "file,path=/dev/fdset/2,append=on"
	ports+=(-add-fd fd=3,set=1 -add-fd fd=4,set=2)
fi

run_qemu() {
	"$TOP/scripts/inroot" "${binds[@]}" sh "$RUN/start" "$RUN" \
		"$BUILD/guest/initrd.cpio" "$dir" \
		qemu-system-x86_64 "${machine[@]}" -smp "$smp" -m "$mem" \
		-nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$console" "${disks[@]}" "${ports[@]}" \
		-kernel "$(readlink -f "$CURRENT")/vmlinuz" -initrd "$RUN/initrd" \
		-append "console=ttyS0 quiet panic=-1 oops=panic $append"
}

if [ "$shell" = 1 ]; then
	[ -t 0 ] || die "a shell needs a terminal: use --cmd"
	tty=$(stty -g)
	run_qemu || true
	stty "$tty"
else
	run_qemu 3>&1 4>&2 > "$RUN/qemu.log" 2>&1 < /dev/null &
	qemu_pid=$!
	waited=0
	until ! kill -0 "$qemu_pid" 2> /dev/null; do
		sleep 0.1 &
		wait $! || true
		waited=$((waited + 1))
		if [ "$timeout" != 0 ] && [ "$waited" -ge $((timeout * 10)) ]; then
			kill "$qemu_pid" 2> /dev/null || true
			note "The guest was ended after $timeout s (--timeout). Its last messages:"
			tail -n 20 "$console" >&2 || true
			exit 124
		fi
	done
	wait "$qemu_pid" || true
	qemu_pid=
fi

status=$(tr -d '\r\n' < "$RUN/status" 2> /dev/null || true)
if [ -z "$status" ]; then
	note "The guest died before it was done. Its last messages (${console#"$TOP"/}):"
	tail -n 40 "$console" 2> /dev/null >&2 || true
	sed 's/^/qemu: /' "$RUN/qemu.log" 2> /dev/null >&2 || true
	exit 125
fi
if [ "$probe" = 0 ] && [ -s "$RUN/out.tar" ]; then
	mkdir -p "$out"
	tar -x -C "$out" --no-same-owner -f "$RUN/out.tar"
fi
mv -f "$console" "$LOG/console.log" 2> /dev/null || true
exit "$status"
