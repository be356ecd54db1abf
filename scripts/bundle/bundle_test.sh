#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes both bundles and tries them as their users do, as TAP: as an ordinary user, in a
# folder with a space that cannot be written.
#
#   scripts/bundle/bundle_test.sh [small|full]
#
# QEMU_ROOT= is a root to take QEMU from, instead of the toolchain root: that of another
# release of Debian, say. ARCH=arm64 is for the bundles of that machine.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"
. "$TOP/selftests/lib/ktap.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

kinds=(small full)
[ $# = 0 ] || kinds=("$1")
work=$(mktemp -d "$BUILD/bundle_test.XXXXXX")
ERRORS=$work/err
cleanup() {
	chmod -R u+w "$work" 2> /dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p "$work/with a space" "$work/tmp"
chmod 755 "$work"
chmod 1777 "$work/tmp"
home=$work/with\ a\ space

# Who is an ordinary user of this machine has no other user in the namespace of the tools.
root=${QEMU_ROOT:-$ROOT} ids=()
if [ "$(id -u)" = 0 ]; then
	ids=(--reuid=65534 --regid=65534 --clear-groups --bounding-set=-all)
	# The sandbox would make the folders above this one for root alone.
	above=$(dirname "$TOP")
	until [ "$above" = / ]; do
		mkdir -p "$root$above"
		chmod 755 "$root$above"
		above=$(dirname "$above")
	done
fi

# user COMMAND...: without any privilege, and with QEMU in the path. The root of the tools
# has it; nothing else of that is used.
user() {
	"$TOP/scripts/vm/inroot" --root "$root" \
		setpriv "${ids[@]}" --inh-caps=-all --no-new-privs \
		env -C "$home" HOME=/nonexistent TMPDIR="$work/tmp" ACCEL=tcg "$@"
}

# run COMMAND...: leaves its streams in $work and its exit status in rc.
run() {
	rc=0
	user "$@" > "$work/out" 2> "$work/err" < /dev/null || rc=$?
}

# unpack KIND MOST: makes a bundle, and puts it where nobody can write. What is the same for
# both is tested here.
unpack() {
	local suffix='' file
	[ "$1" = small ] || suffix=-full
	"$TOP/scripts/bundle/bundle.sh" --dir "$work/made" "$1"
	file=$(echo "$work"/made/nlpeer-*-"$MACHINE"$suffix.tar.zst)
	"$TOP/scripts/vm/inroot" zstd -qdc "$file" | tar -x -C "$home"
	chmod -R a-w "$home"
	vm=./$(basename "$file" .tar.zst)/nlpeer-vm
	result "$1: at most $(($2 / 1000000)) MB" test "$(stat -c %s "$file")" -le "$2"
	echo "# $(stat -c %s "$file") bytes"
	mv "$file" "$work/first"
	"$TOP/scripts/bundle/bundle.sh" --dir "$work/made" "$1"
	result "$1: made twice it is the same bytes" cmp "$file" "$work/first"
	result "$1: the kernel is Debian's, as its list says" debians_kernel
	rm -r "$work/made" "$work/first"
}

# sum FILE: its SHA-256.
sum() {
	sha256sum < "$1" | cut -d ' ' -f 1
}

# Whether it is the kernel of Debian's package, as the list has it.
debians_kernel() {
	local kernel dir=$home/${vm%/*}
	kernel=$BUILD/kernel/$(readlink "$CURRENT")
	if [ "$MACHINE" = x86_64 ]; then
		"$TOP/scripts/vm/inroot" sh "$kernel/src/scripts/extract-vmlinux" "$kernel/vmlinuz" > "$work/vmlinux"
	else
		cp "$kernel/vmlinuz" "$work/vmlinux"
	fi
	same "$(sed -n 's/^vmlinuz sha256 //p' "$dir/MANIFEST")" "$(sum "$kernel/vmlinuz")" &&
		same "$(sed -n 's/^file vmlinux [0-9]* sha256 //p' "$dir/MANIFEST")" "$(sum "$work/vmlinux")" &&
		cmp "$work/vmlinux" "$dir/vmlinux"
}

# first_line SECONDS: whether a command begins so soon. A machine that has other work as well
# may take three attempts, and what counts then is what all programs took of the processors.
first_line() {
	local took busy
	for _ in 1 2 3; do
		# The sandbox does not wait for all that it has started, so the time is taken in it.
		run bash -c '
			TIMEFORMAT="%U %S"
			now() {
				local t=${EPOCHREALTIME/[.,]/}
				echo "${t:0:-4}"
			}
			start=$(now)
			time "$1" -- echo ready | {
				read -r word
				[ "$word" = ready ] && echo "$(($(now) - start))"
				cat > /dev/null
			}' bash "$vm"
		took=$(cat "$work/out")
		busy=$(awk 'END { printf "%d", ($1 + $2) * 100 }' "$work/err")
		if [ -z "$took" ] || [ "$busy" = 0 ]; then
			echo "# no line, or no time: $(tail -n 1 "$work/err")"
			return 1
		fi
		echo "# the first line after $(tenths "$took") s, in all $(tenths "$busy") s of the processors"
		if [ "$took" -le "${1}00" ] || [ "$took" -le 10000 ] && [ "$busy" -le "${1}00" ]; then
			return 0
		fi
	done
	return 1
}

# tenths HUNDREDTHS: as a decimal fraction.
tenths() {
	echo "$(($1 / 100)).$(($1 % 100 / 10))"
}

# linked: two of the clients again, as programs that need shared libraries.
linked() {
	"$TOP/scripts/vm/inroot" make -s -C "$TOP/selftests" ${OTHER:+CC="$GNU-gcc-14"} OUTPUT="$work/linked" LDFLAGS= \
		KSFT="$CURRENT/src/tools/testing/selftests" \
		"$work/linked/clients/with_libmnl" "$work/linked/clients/with_libnl"
}

small_tests() {
	mkdir -p "$work/a folder's"
	printf 'from outside\n' > "$work/a folder's/one file"
	mkdir "$work/back"
	[ "$(id -u)" != 0 ] || chown 65534:65534 "$work/back"
	unpack small 20000000

	run "$vm" --dir "$work/a folder's" --out "$work/back" --env "WORDS=it's \"so\" \$HOME" -- \
		sh -c 'cat "one file"; echo "$WORDS"; echo "$1"; echo problem >&2; grep -c "^nlpeer " /proc/modules
		echo inside > "$OUT/a result"; exit 7' sh "it's one  word"
	result "small: the exit status comes through" same "$rc" 7
	result "small: the output, a folder, a variable, words, and nlpeer" same "$(cat "$work/out")" \
		"from outside"$'\n'"it's \"so\" \$HOME"$'\n'"it's one  word"$'\n'1
	result "small: the errors, apart from it" same "$(cat "$work/err")" problem
	result "small: what is written to OUT comes back" same "$(cat "$work/back/a result")" inside
	run "$vm" -- sh -c 'rmmod nlpeer && ! grep -q "^nlpeer " /proc/modules && modprobe nlpeer && grep -c "^nlpeer " /proc/modules'
	result "small: nlpeer goes and comes" same "$rc $(cat "$work/out")" "0 1"
	run "$vm" --dir "$SELFTESTS/clients" -- sh -c 'echo echo | ./with_libmnl | grep "^u32"'
	result "small: a static program" same "$rc $(cat "$work/out")" "0 u32 42"
	run "$vm" --no-load -- grep -c '^nlpeer ' /proc/modules
	result "small: or is not loaded" same "$rc $(cat "$work/out")" "1 0"
	result "small: the command begins after at most 6 s" first_line 6

	run "$vm" --timeout 8 -- sh -c 'echo ready; sleep 1000'
	result "small: a time that is over" same \
		"$rc $(cat "$work/out") $(grep -o 'was ended after 8 s' "$work/err")" "124 ready was ended after 8 s"
	run "$vm" -- sh -c 'echo c > /proc/sysrq-trigger; sleep 1000'
	result "small: a kernel that dies" same "$rc $(grep -c 'died before it was done' "$work/err")" "125 1"
	run timeout 60 sh -c '"$1" -- sh -c "yes 2> /dev/null; sleep 1000" | head -n 2' sh "$vm"
	result "small: a reader that goes ends it" same "$rc $(tr '\n' ' ' < "$work/out")" "0 y y "

	# As a terminal does: all of the job are told.
	run bash -c '
		set -m
		"$1" -- sh -c "echo ready; sleep 1000" > "$TMPDIR/said" &
		until [ -s "$TMPDIR/said" ]; do sleep 0.1; done
		kill -INT -- "-$!"
		wait "$!"
		echo "$? $(cat "$TMPDIR/said")"
		rm "$TMPDIR/said"' sh "$vm"
	result "small: Ctrl-C ends it" same "$(cat "$work/out")" "130 ready"

	user "$vm" -- echo one > "$work/one" 2> "$work/err" < /dev/null &
	run "$vm" -- echo two
	wait
	result "small: two at once" same "$(cat "$work/one" "$work/out")" one$'\n'two

	run env QEMU=qemu-nowhere "$vm" -- true
	result "small: no QEMU, in one line" same "$rc $(wc -l < "$work/err") $(grep -o 'there is no qemu-nowhere: install it' "$work/err")" \
		"125 1 there is no qemu-nowhere: install it"
	printf '#!/bin/sh\necho "QEMU emulator version 4.2.1 (Debian)"\n' > "$work/qemu-old"
	chmod 755 "$work/qemu-old"
	run env QEMU="$work/qemu-old" "$vm" -- true
	result "small: an old QEMU, in one line" same "$rc $(cat "$work/err")" \
		"125 nlpeer-vm: error: $work/qemu-old is of version 4, and 6 or later is needed"
	run env TMPDIR=/nowhere "$vm" -- true
	result "small: no TMPDIR, in one line" same "$rc $(cat "$work/err")" \
		"125 nlpeer-vm: error: '/nowhere' is no folder that can be written: set TMPDIR"
	rc=0
	bwrap --dev-bind / / --size 1048576 --tmpfs "$work/tmp" "$TOP/scripts/vm/inroot" \
		env TMPDIR="$work/tmp" "$home/$vm" -- true > "$work/out" 2> "$work/err" < /dev/null || rc=$?
	result "small: no room in TMPDIR, in one line" same "$rc $(cat "$work/err")" \
		"125 nlpeer-vm: error: $work/tmp has 1 MiB free, and 10 are needed: free some, or set TMPDIR"
	run "$vm" true
	result "small: a command without '--', in one line" same "$rc $(cat "$work/err")" \
		"2 nlpeer-vm: error: 'true' is no option: the command comes behind '--' (see nlpeer-vm --help)"

	chmod -R u+w "$home"
	truncate -s 1000 "$home/${vm%/*}/initrd"
	run "$vm" -- true
	result "small: a bundle that was cut, in one line" same \
		"$rc $(sed 's/have [0-9]* bytes/have N bytes/' "$work/err")" \
		"125 nlpeer-vm: error: the bundle is damaged: 'initrd' should have N bytes. Unpack it anew"
	result "small: nothing is left of all these" same "$(ls -A "$work/tmp")" ''
	rm -rf "${home:?}"/nlpeer-*
}

full_tests() {
	unpack full 110000000
	result "full: the command begins after at most 15 s" first_line 15
	run "$vm" -- sh -c '
		genl ctrl get name nlpeer | grep -o "^Name: nlpeer" &&
		python3 $YNL/cli.py --no-schema --spec /genl/specs/nlpeer.yaml --output-json \
			--dump object-get --json "{\"count\": 3}" | grep -o "\"id\": 2" &&
		/genl/path/trace.py --names --only "family=nlpeer cmd=1" --output /run/tree -- \
			python3 $YNL/cli.py --no-schema --spec /genl/specs/nlpeer.yaml \
			--do echo --json "{\"u32\": 42}" &&
		grep -o "family=nlpeer cmd=1" /run/tree | head -n 1
		strace -e trace=sendto,sendmsg genl ctrl get name nlpeer 2>&1 |
			grep -o "nlmsg_type=nlctrl" | head -n 1'
	result "full: genl, YNL, the tracer, strace" same "$(cat "$work/out")" \
		"Name: nlpeer"$'\n''"id": 2'$'\n'"{'u32': 42}"$'\n'"family=nlpeer cmd=1"$'\n'nlmsg_type=nlctrl

	run "$vm" -- sh -c "$(sed -n 's/^  `\(python3 [^`]*\)`.*/\1/p' "$home/${vm%/*}/README.md") | grep -o \"'requests'\""
	result "full: the command of README.md for YNL" same "$rc $(cat "$work/out")" "0 'requests'"
	linked
	run "$vm" --dir "$work/linked/clients" -- sh -c '
		for client in with_libmnl with_libnl; do
			echo echo | ./$client | grep -e "^u32" -e "^client"
		done
		ldd with_libmnl with_libnl | grep -o "libm\?nl[-a-z0-9]*\.so" | sort -u'
	result "full: programs that are linked against its libraries" same "$(sed 's/^\(client [^ ]*\).*/\1/' "$work/out" | tr '\n' ' ')" \
		"client libmnl u32 42 client libnl u32 42 libmnl.so libnl-3.so libnl-genl-3.so "
	result "full: the licences of its packages are in it" user "$vm" -- test -s /usr/share/doc/strace/copyright
	result "full: nothing is left of all these" same "$(ls -A "$work/tmp")" ''
	chmod -R u+w "$home"
}

"$TOP/scripts/vm/build.sh"
ktap_print_header
plan=0
for kind in "${kinds[@]}"; do
	[ "$kind" = small ] && plan=$((plan + 23)) || plan=$((plan + 9))
done
ktap_set_plan "$plan"
for kind in "${kinds[@]}"; do
	"${kind}_tests"
done
ktap_finished
