#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make bench': what an echo and an object of a dump cost nlpeer, and families in C that
# answer as it does. Two boots count instructions (icount: guest time is instructions), a
# third one has two processors and gives a ratio only. The answers of all are compared
# first. Then families of the kernel: the module in C and the port in Rust, one after the
# other in the same boot. Fails when nlpeer costs more than 1.05 times the C that was tuned
# by hand, or a port more than its aim; where that is not met yet, more than it did.
#
#   scripts/check/bench.sh [--quick] [--ports] [--profile]
#
# --quick leaves the second and the third boot out, --ports measures the ports only.
# --profile measures nothing, and says in which functions the instructions of the ports
# and of the modules in C are.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

quick=0 only=''
while [ $# -gt 0 ]; do
	case $1 in
	--quick) quick=1 ;;
	--ports) only=ports ;;
	--profile) only=profile ;;
	-h | --help)
		sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
		exit
		;;
	*) die "unknown option '$1': see scripts/check/bench.sh --help" ;;
	esac
	shift
done

only_x86 "'make bench'"
alone
dir=$BUILD/bench
rm -rf "$dir"
mkdir -p "$dir/guest"

# Where strings are copied by one instruction, each byte of it counts as one, and
# hides everything else: this processor does without.
ICOUNT="-icount shift=0,sleep=off -accel tcg,thread=single -cpu max,-erms,-fsrm,-fsrs,-fzrm"

compile() {
	"$TOP/scripts/vm/build.sh" > /dev/null
	local program
	for program in bench ports; do
		"$TOP/scripts/vm/inroot" gcc -O2 -Wall -static -D_GNU_SOURCE -I "$TOP/selftests/lib" \
			-o "$dir/guest/$program" "$TOP/selftests/bench/$program.c"
	done
	cp "$TOP/selftests/bench/same_answers.py" "$dir/guest/"
}

guest() {
	local name=$1
	shift
	"$TOP/scripts/vm/vm.sh" --quiet --dir "$dir/guest" --timeout 400 "$@" > "$dir/$name"
}

# What nlpeer costs.
nlpeer() {
	local boot load="insmod /genl/mod/nlpeer_c.ko"
	step "bench: the answers are the same" guest same --mem 2048 --cmd "$load && python3 same_answers.py"
	for boot in $boots; do
		# The system settles before anything is counted.
		step "bench: boot $boot, instructions" guest "icount.$boot" --smp 1 --qemu "$ICOUNT" \
			--cmd "$load && grep -m 1 ^flags /proc/cpuinfo && ./bench --settle 40"
	done
	if [ "$quick" = 0 ]; then
		step "bench: boot 3, two processors" guest smp --smp 2 --cmd "$load && ./bench --contend 2"
	fi
	"$TOP/scripts/check/bench.py" "$dir" || failed=1
}

# What is run in the guest for the ports: of each family only one module can be loaded at a
# time. The word is for the program that measures.
port_commands() {
	local word=${1:-}
	cat <<-COMMANDS
		set -e
		# What is removed is gone soon.
		echo 1 > /sys/kernel/rcu_expedited
		for family in fou wireguard psample; do
			modprobe \$family
			./ports \$family c $word
			[ -z "$word" ] || cat /proc/kallsyms > "\$OUT/\$family.c"
			# An action of tc goes by a worker.
			until modprobe -r act_sample \$family 2> /dev/null; do sleep 1; done
			for need in \$(modinfo -F depends /genl/mod/genl_\$family.ko | tr , ' '); do
				modprobe \$need
			done
			insmod /genl/mod/genl_\$family.ko
			./ports \$family rust $word
			[ -z "$word" ] || cat /proc/kallsyms > "\$OUT/\$family.rust"
			rmmod genl_\$family
		done
	COMMANDS
}

# What the ports cost: both sides in one boot.
ports() {
	step "bench: ports, instructions" guest ports.1 --timeout 900 --no-load --smp 1 --qemu "$ICOUNT" \
		--cmd "sleep 40; $(port_commands)"
	"$TOP/scripts/check/bench_ports.py" "$dir" "$BUILD/mod/$(readlink "$CURRENT")" \
		"$(readlink -f "$CURRENT")/modules/lib/modules/$(readlink "$CURRENT")" || failed=1
}

# Where the instructions of the ports go. Time passes while the guest waits, so that who
# looks on has some; and what a boot leaves to be done is done first, or it would be seen.
profile() {
	"$TOP/scripts/check/bench_profile.py" "$dir" "$TOP/scripts/vm/vm.sh" --quiet --dir "$dir/guest" \
		--timeout 1200 --no-load --smp 1 --append nokaslr --out "$dir/out" \
		--qemu "${ICOUNT/sleep=off/sleep=on} -monitor unix:$dir/monitor,server=on,wait=off" \
		--cmd "sleep 15; $(port_commands profile)"
}

failed=0 boots="1 2"
[ "$quick" = 0 ] || boots=1
step "bench: build" compile
case $only in
profile) profile ;;
ports) ports ;;
*)
	nlpeer
	ports
	;;
esac
[ "$failed" = 0 ]
