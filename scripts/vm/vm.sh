#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs one command, or a shell, in the guest: Debian's stock kernel with the
# modules of this project, under QEMU.
#
#   scripts/vm/vm.sh [OPTION...] --cmd COMMAND
#   scripts/vm/vm.sh [OPTION...] --shell
#
#   --cmd COMMAND   run it with sh, as root; its output and exit status come
#                   through
#   --shell         a shell on this terminal; 'exit' ends the guest
#   --dir DIR       the command begins in a copy of this folder
#   --out DIR       what it writes to $OUT (/out) comes back here; else to
#                   .build/out, and what an earlier run has brought there is
#                   kept in .build/out.1 to .build/out.9
#   --interrupt     Ctrl-C goes to the command, and what it says then still comes
#                   through; once more ends the guest
#   --dmesg FILE    where the messages of the kernel go (.build/log/vm.log, or
#                   vm.failed.*.log there)
#   --env NAME=VALUE a variable for the command
#   --append ARGS   more arguments for the kernel
#   --no-load       do not load nlpeer
#   --smp N         processors (2)
#   --mem MIB       memory (1024)
#   --timeout S     end the guest after so many seconds (600; a shell: never)
#   --qemu ARGS     replace the accelerator by these arguments of QEMU
#   --quiet         say nothing of the accelerator, once it is known
#
# ACCEL=tcg or ACCEL=kvm chooses the accelerator; else KVM is used where a guest
# runs in it. KERNEL= chooses one of the prepared kernels, ARCH= the machine. Exits with the status
# of the command; 125 when the guest failed, 124 when its time was over.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

arguments=("$@")
cmd='' shell=0 dir='' dmesg='' out=$BUILD/out append='' load=1 smp=2 mem=1024 timeout='' qemu='' quiet=0 probe=0 interrupt=0
environment=()
while [ $# -gt 0 ]; do
	case $1 in
	--cmd | --dir | --out | --dmesg | --append | --smp | --mem | --timeout | --qemu)
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
	--interrupt) interrupt=1 ;;
	--no-load) load=0 ;;
	--quiet) quiet=1 ;;
	--probe) probe=1 load=0 ;;
	-h | --help)
		sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
		exit
		;;
	*) die "unknown option '$1': see scripts/vm/vm.sh --help" ;;
	esac
	shift
done
[ "$shell" = 1 ] || [ -n "$cmd" ] || [ "$probe" = 1 ] ||
	die "there is nothing to run: give --cmd COMMAND or --shell"
[ "$shell" = 0 ] || [ -t 0 ] || die "a shell needs a terminal: use --cmd"
for number in "$smp" "$mem" "${timeout:=$([ "$shell" = 1 ] && echo 0 || echo 600)}"; do
	case $number in
	'' | *[!0-9]*) die "'$number' is not a number: see scripts/vm/vm.sh --help" ;;
	esac
done
if [ -n "$dir" ]; then
	given=$dir
	dir=$( (cd "$given" && ls > /dev/null && pwd -P) 2> /dev/null) ||
		die "DIR: '$given' is not a folder that can be read, seen from $PWD"
fi
[ ! -e "$out" ] || [ -d "$out" ] || die "OUT: '$out' is not a folder"
if [ ! -e "$CURRENT/guest/stamp" ] || [ ! -e "$GUEST/stamp" ]; then
	die "nothing is prepared yet${KERNEL:+ for KERNEL=$KERNEL}${ARCH:+ for ARCH=$ARCH}: run 'make prepare'"
fi

RELEASE=$(readlink "$CURRENT")
KERNEL_DIR=$BUILD/kernel/$RELEASE
room "$BUILD/vm" 150
mkdir -p "$LOG" "$STATE"

# What runs that were killed have left.
find "$BUILD/vm" -mindepth 1 -maxdepth 1 -mmin +1 \
	-exec flock -n {}/lock rm -rf {} \; 2> /dev/null || true
RUN=$(mktemp -d "$BUILD/vm/run.XXXXXX")
exec {run}> "$RUN/lock"
flock "$run"
tty=''
qemu_pid=''
# How long a guest may take to its first program. That takes seconds; emulated
# guests have been seen, on very busy hosts, that never came so far.
BOOT_SECONDS=${BOOT_SECONDS:-180}
# How many such guests there were. The one after the second has no limit, and its
# processors take turns in one thread.
silent=${VM_SILENT:-0}

cleanup() {
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2> /dev/null || true
	[ -z "$tty" ] || stty "$tty" 2> /dev/null || true
	rm -rf "$RUN"
}
trap cleanup EXIT
interrupted() {
	if [ "$interrupt" = 1 ] && [ -s "$RUN/status" ]; then
		interrupt=0
		note "Interrupted: the command is told so. Once more ends the guest."
		echo interrupt >&"$control"
		# Without the 0 it is what the wait has returned, an error.
		return 0
	fi
	note "Interrupted: the guest is gone."
	exit 130
}
trap interrupted INT
trap 'exit 143' TERM HUP

# KVM is there if a guest runs in it; a device file says nothing.
try_kvm() {
	if ACCEL=kvm "$TOP/scripts/vm/vm.sh" --probe --quiet --timeout 25; then
		printf '%s\nkvm a guest runs in it\n' "$1" > "$RUN/accel"
	elif [ ! -w /dev/kvm ]; then
		printf '%s\ntcg this user may not open /dev/kvm (the group kvm may)\n' "$1" > "$RUN/accel"
	else
		printf '%s\ntcg a guest was tried in KVM and did not run\n' "$1" > "$RUN/accel"
	fi
	mv "$RUN/accel" "$STATE/accel-$CHOICE"
}

# Sets accel and why.
accelerator() {
	local key
	[ "${ACCEL:-}" != kvm ] || [ -z "$OTHER" ] ||
		die "ACCEL=kvm: this machine is $HOST, and the guest $MACHINE, which can only be emulated here"
	case ${ACCEL:-} in
	tcg | kvm)
		accel=$ACCEL why="ACCEL=$ACCEL"
		return
		;;
	'') ;;
	*) die "ACCEL=$ACCEL is neither tcg nor kvm" ;;
	esac
	accel=tcg why="this machine is $HOST, and the guest $MACHINE"
	[ -z "$OTHER" ] || return 0
	why="this machine has no /dev/kvm"
	[ -e /dev/kvm ] || return 0
	key="$(cat /proc/sys/kernel/random/boot_id) $UID $RELEASE"
	if [ ! -f "$STATE/accel-$CHOICE" ] || [ "$(head -n 1 "$STATE/accel-$CHOICE")" != "$key" ]; then
		step "KVM: does a guest run in it?" try_kvm "$key"
	fi
	read -r accel why < <(tail -n 1 "$STATE/accel-$CHOICE")
}

# The command, and how it is to be run.
command_files() {
	local run=$RUN/payload/payload/genl/run variable value rows=24 cols=80
	mkdir -p "$run"
	install -m 755 "$TOP/scripts/vm/guest/init" "$run/init"
	for variable in "${environment[@]}"; do
		value=${variable#*=}
		printf "export %s='%s'\n" "${variable%%=*}" "${value//\'/\'\\\'\'}" >> "$run/cmd"
	done
	# Who is told of Ctrl-C.
	[ "$interrupt" = 0 ] || echo 'echo $$ > /run/cmd.pid' >> "$run/cmd"
	printf '%s\n' "$cmd" >> "$run/cmd"
	[ "$shell" = 0 ] || read -r rows cols < <(stty size | sed 's/^0 0$/24 80/')
	printf 'PROBE=%s LOAD=%s SHELL_MODE=%s TERMINAL=%q ROWS=%s COLS=%s\n' \
		"$probe" "$load" "$shell" "${TERM:-dumb}" "$rows" "$cols" > "$run/settings"
}

# What this run brings of the project.
project_files() {
	local genl=$RUN/payload/payload/genl spec
	local modules=$RUN/payload/payload/usr/lib/modules/$RELEASE
	[ -e "$BUILD/mod/$RELEASE.tree/stamp" ] ||
		die "the modules are not built yet: run scripts/vm/build.sh, or this by 'make vm'"
	mkdir -p "$genl/mod" "$genl/path" "$genl/demo" "$genl/specs" "$modules/updates"
	cp "$BUILD/mod/$RELEASE"/*.ko "$genl/mod/"
	cp "$TOP"/scripts/path/*.py "$genl/path/"
	cp "$KERNEL_DIR/guest/extack.json" "$genl/path/"
	cp "$TOP"/scripts/vm/guest/demo.* "$genl/demo/"
	for spec in "$TOP"/rust/*/*.yaml; do
		cp "$spec" "${spec%.yaml}.h" "$genl/specs/"
	done
	[ ! -d "$SELFTESTS" ] || cp -r "$SELFTESTS" "$genl/selftests"
	chmod -R a+rX "$genl"
	cp "$BUILD/mod/$RELEASE.tree/lib/modules/$RELEASE"/modules.* "$modules/"
	ln -s /genl/mod/nlpeer.ko "$modules/updates/nlpeer.ko"
}

accel=tcg
[ -n "$qemu" ] || accelerator
if [ "$quiet" = 0 ] && [ -z "$qemu" ]; then
	case $accel in
	kvm) note "The guest runs in KVM: $why." ;;
	*) note "The guest runs under emulation (TCG), not KVM: $why." ;;
	esac
fi

# What an earlier run has left there, nobody would tell from what this one does.
keep_out() {
	local number
	rmdir "$out" 2> /dev/null || true
	[ -d "$out" ] || return 0
	rm -rf "$out.9"
	for number in 8 7 6 5 4 3 2 1; do
		[ ! -d "$out.$number" ] || mv "$out.$number" "$out.$((number + 1))"
	done
	mv "$out" "$out.1"
	note "What an earlier run has brought to ${out#"$TOP"/} is in ${out#"$TOP"/}.1 now (the last 9 are kept)."
}
[ "$probe" = 1 ] || [ "$out" != "$BUILD/out" ] || locked out.lock "another guest" keep_out
command_files
[ "$probe" = 1 ] || locked lock "another preparation or build" project_files

case $accel in
kvm) machine=(-accel kvm -cpu host) ;;
*) machine=(-accel "tcg,thread=$([ "$silent" -lt 2 ] && echo multi || echo single)" -cpu max) ;;
esac
# shellcheck disable=SC2206 # words are what the option is for
[ -z "$qemu" ] || machine=($qemu)
case $MACHINE in
aarch64) machine+=(-machine "virt,gic-version=max") console=ttyAMA0 ;;
*) console=ttyS0 ;;
esac

disks=() ports=(-device virtio-serial-pci) binds=()
disk() {
	disks+=(-drive "file=$2,format=raw,if=none,id=$1,readonly=on" -device "virtio-blk-pci,drive=$1")
}
port() {
	ports+=(-chardev "$2,id=$1" -device "virtserialport,chardev=$1,name=genl.$1")
}
disk root "$GUEST/root.erofs"
disk kernel "$KERNEL_DIR/guest/kernel.erofs"
if [ -n "$dir" ]; then
	binds=(--bind "$dir" /mnt)
	disk dir "$RUN/dir.erofs"
fi
port status "file,path=$RUN/status"
port out "file,path=$RUN/out.tar"
port dmesg "file,path=$RUN/dmesg"
if [ "$shell" = 1 ]; then
	ports+=(-chardev stdio,id=shell,signal=off,mux=on -echr 0x1d -device virtconsole,chardev=shell)
else
	port stdout file,path=/dev/fdset/1,append=on
	port stderr file,path=/dev/fdset/2,append=on
	ports+=(-add-fd fd=3,set=1 -add-fd fd=4,set=2)
fi
alone=()
if [ "$interrupt" = 1 ]; then
	mkfifo "$RUN/control.in" "$RUN/control.out"
	exec {control}<> "$RUN/control.in"
	port control "pipe,path=$RUN/control"
	# A terminal tells all of its group of Ctrl-C, and QEMU would end.
	alone=(setsid)
fi

cat > "$RUN/start" <<-'START'
	# Makes the initrd and the disk of the run, and starts QEMU.
	set -e
	cd "$1/payload"
	{ cat "$2" && find . | cpio -o -H newc --quiet -R 0:0; } > ../initrd
	if [ -n "$3" ]; then
		mkfs.erofs --all-root --quiet --exclude-path=.build ../dir.erofs /mnt || {
			echo "DIR: not all of '$3' can be read"
			exit 1
		} >&2
	fi
	timeout=$4
	shift 4
	exec timeout --foreground -k 5 "$timeout" "$@"
START
start=("$TOP/scripts/vm/inroot" "${binds[@]}" sh "$RUN/start" "$RUN"
	"$KERNEL_DIR/guest/initrd.cpio" "$dir" "$timeout"
	"qemu-system-$MACHINE" "${machine[@]}" -smp "$smp" -m "$mem"
	-nodefaults -no-user-config -display none -no-reboot
	-serial "file:$RUN/console" "${disks[@]}" "${ports[@]}"
	-kernel "$KERNEL_DIR/guest/vmlinux" -initrd "$RUN/initrd"
	-append "console=$console quiet panic=-1 oops=panic $append")

if [ "$shell" = 1 ]; then
	note "'exit' ends the guest; Ctrl-] x does so when it hangs."
	tty=$(stty -g)
	"${start[@]}" 2> "$RUN/qemu.log" <&0 &
	qemu_pid=$!
else
	# QEMU wants files that can only be written, which a terminal is not; and the
	# guest has to end when its reader does.
	exec {out_pipe}<> <(:) {err_pipe}<> <(:)
	exec {to_out}> "/proc/self/fd/$out_pipe" {to_err}> "/proc/self/fd/$err_pipe"
	(
		[ "$interrupt" = 0 ] || trap '' INT
		exec < "/proc/self/fd/$out_pipe" {out_pipe}>&- {err_pipe}>&- {to_out}>&- {to_err}>&-
		exec cat
	) &
	out_pid=$!
	(
		[ "$interrupt" = 0 ] || trap '' INT
		exec < "/proc/self/fd/$err_pipe" {out_pipe}>&- {err_pipe}>&- {to_out}>&- {to_err}>&-
		exec cat >&2
	) &
	err_pid=$!
	exec {out_pipe}>&- {err_pipe}>&-
	"${alone[@]}" "${start[@]}" 3>&"$to_out" 4>&"$to_err" > "$RUN/qemu.log" 2>&1 < /dev/null &
	qemu_pid=$!
	exec {to_out}>&- {to_err}>&-
	# Nothing of the command has run in a guest that shows no sign of life: it can
	# be started again.
	if [ "$silent" -lt 2 ]; then
		# Waits for the end of this script as well, by that of a pipe.
		exec {watch}> >(
			exec {run}>&- > /dev/null 2>&1
			rc=0
			read -r -t "$BOOT_SECONDS" _ || rc=$?
			if [ "$rc" -gt 128 ] && [ ! -s "$RUN/status" ]; then
				touch "$RUN/silent"
				kill "$qemu_pid"
			fi
		)
	fi
fi

rc=0
if [ "$shell" = 1 ]; then
	wait "$qemu_pid" || rc=$?
else
	# A trap ends a wait as well, and none of them has ended then.
	ended=''
	until [ -n "${ended:-}" ]; do
		rc=0
		wait -n -p ended "$qemu_pid" "$out_pid" || rc=$?
	done
	if [ "$ended" = "$out_pid" ]; then
		# As a command ends whose reader is gone.
		[ "$rc" = 0 ] || exit 141
		while :; do
			rc=0
			wait "$qemu_pid" || rc=$?
			kill -0 "$qemu_pid" 2> /dev/null || break
		done
	fi
	wait "$out_pid" "$err_pid" || true
fi
qemu_pid=''
if [ -e "$RUN/silent" ]; then
	note "The guest has shown no sign of life in $BOOT_SECONDS s: started once more."
	cleanup
	exec {watch}>&-
	VM_SILENT=$((silent + 1)) exec "$TOP/scripts/vm/vm.sh" "${arguments[@]}"
fi

# The messages of the guest that ran last, and of all that failed.
keep_log() {
	cat "$RUN/console" "$RUN/dmesg" > "$1" 2> /dev/null || true
	log=${1#"$TOP"/}
}

status=$(tr -d '\r\n' < "$RUN/status" 2> /dev/null || true)
if [ -z "$status" ]; then
	keep_log "${dmesg:-$LOG/vm.failed.$$.log}"
	# What is killed before its time was over was killed by somebody else, as by
	# the kernel of a host that is out of memory.
	over=0
	case $rc in
	124 | 137) [ "$timeout" = 0 ] || [ "$SECONDS" -lt "$timeout" ] || over=1 ;;
	esac
	if [ "$shell" = 1 ] && [ "$rc" = 0 ]; then
		note "The guest was ended from outside."
		exit 125
	elif [ "$over" = 1 ]; then
		note "The guest was ended after $timeout s (--timeout). Its last messages ($log):"
	else
		note "The guest died before it was done$([ "$rc" = 0 ] || echo ", QEMU with $rc"). Its last messages ($log):"
	fi
	if [ -e "$RUN/console" ]; then
		# Behind the reason there may be more lines than anybody wants to see.
		head -n -40 "$RUN/console" | grep -m 3 -E 'rust_kernel: |BUG: |Oops|Kernel panic' >&2 || true
		tail -n 40 "$RUN/console" >&2
	fi
	[ ! -e "$RUN/qemu.log" ] || sed "s/^/qemu: /" "$RUN/qemu.log" >&2
	[ "$over" = 0 ] || exit 124
	exit 125
fi
[ "$probe" = 1 ] || keep_log "${dmesg:-$LOG/vm.log}"
if [ "$probe" = 0 ] && [ -s "$RUN/out.tar" ]; then
	mkdir -p "$out"
	# The clock of the guest may be ahead of this one.
	tar -x -C "$out" --no-same-owner --warning=no-timestamp -f "$RUN/out.tar"
fi
exit "$status"
