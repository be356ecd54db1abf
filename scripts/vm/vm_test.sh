#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tries scripts/vm/vm.sh from outside, as TAP: what goes in and comes back, the
# shell on a terminal, and that nothing is left however it ends.
#
#   scripts/vm/vm_test.sh

set -euo pipefail
. "$(dirname "$0")/../lib.sh"
. "$TOP/selftests/lib/ktap.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

vm=$TOP/scripts/vm/vm.sh
mkdir -p "$BUILD"
work=$(mktemp -d "$BUILD/vm_test.XXXXXX")
ERRORS=$work/err
job=''
# What the user's last runs have brought is put back.
mkdir "$work/kept"
for folder in "$BUILD"/out "$BUILD"/out.[0-9]; do
	[ ! -d "$folder" ] || mv "$folder" "$work/kept/"
done
cleanup() {
	[ -z "$job" ] || kill -KILL -- "-$job" 2> /dev/null || true
	rm -rf "$BUILD"/out "$BUILD"/out.[0-9]
	find "$work/kept" -mindepth 1 -maxdepth 1 -exec mv -t "$BUILD" {} +
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# run COMMAND...: leaves its streams in $work and its exit status in rc.
run() {
	rc=0
	"$@" > "$work/out" 2> "$work/err" < /dev/null || rc=$?
}

# begin COMMAND...: starts it in a process group of its own, as a terminal does.
begin() {
	set -m
	"$@" > "$work/out" 2> "$work/err" < /dev/null &
	set +m
	job=$!
}

end() {
	rc=0
	{ wait "$job"; } 2> /dev/null || rc=$?
	job=''
}

# await TEXT: until the job has said so, which on a busy host a second guest may
# be needed for.
await() {
	local tries=0
	until grep -qF -- "$1" "$work/out"; do
		[ $((tries += 1)) -lt 4000 ] && kill -0 "$job" 2> /dev/null || return
		sleep 0.1
	done
}

# The processes that have the mark of a guest in their command line.
marked() {
	printf '%s\n' "$1" > "$work/mark"
	grep -lazFf "$work/mark" /proc/[0-9]*/cmdline 2> /dev/null || true
}

# gone MARK: within seconds.
gone() {
	local tries=0
	while [ -n "$(marked "$1")" ]; do
		[ $((tries += 1)) -lt 100 ] || return
		sleep 0.1
	done
}

ktap_print_header
ktap_set_plan 25

# The first guest of a machine tries KVM and says so; not one of those below.
run "$vm" --quiet --cmd true
sed 's/^/# /' "$work/err"

dir="$work/a folder's \$name"
mkdir "$dir"
printf 'from outside\n' > "$dir/one file"
run "$vm" --quiet --dir "$dir" --out "$work/back" --env "WORDS=it's \"so\" \$HOME" --cmd '
	cat "one file"; echo "$WORDS"; echo problem >&2
	echo inside > "$OUT/a result"; echo inside > "one file"; exit 7'
result "vm: the exit status comes through" same "$rc" 7
result "vm: the output, a folder of the user's, a variable" same "$(cat "$work/out")" \
	"from outside"$'\n'"it's \"so\" \$HOME"
result "vm: and the errors, apart from it" same "$(cat "$work/err")" problem
result "vm: what is written to OUT comes back" same "$(cat "$work/back/a result")" inside
result "vm: the folder itself is as it was" same "$(cat "$dir/one file")" "from outside"

run "$vm" --quiet --cmd 'echo first > $OUT/it'
run "$vm" --quiet --cmd 'echo second > $OUT/it'
result "vm: what the last run has brought is kept when the next one brings something" same \
	"$(cat "$BUILD/out/it" "$BUILD/out.1/it" | tr '\n' ' ')$(cat "$work/err")" \
	"second first What an earlier run has brought to .build/out is in .build/out.1 now (the last 9 are kept)."

# As on a disk that is mounted so, or has no more room.
mounted() {
	rc=0
	bwrap --dev-bind / / "$@" > "$work/out" 2> "$work/err" < /dev/null || rc=$?
}
mounted --ro-bind "$TOP" "$TOP" make -C "$TOP" vm CMD=true
result "vm: a tree that is mounted read-only, in one line" same "$rc $(grep -v '^make' "$work/err")" \
	"2 error: $BUILD/state cannot be written: its file system is mounted read-only. Move the project, or mount it for writing"
mounted --ro-bind "$TOP" "$TOP" make -C "$TOP" distclean
result "vm: distclean there, in one line" same "$rc $(grep -v '^make' "$work/err")" \
	"2 error: $BUILD cannot be written: its file system is mounted read-only. Move the project, or mount it for writing"
for folder in state vm; do
	mounted --size 1048576 --tmpfs "$BUILD/$folder" make -C "$TOP" vm CMD=true
	result "vm: a full disk below .build/$folder, in one line" same \
		"$rc $(grep -vE '^make|^  modules and selftests' "$work/err" | sed 's/and [0-9]* are/and N are/')" \
		"2 error: the disk is full: $BUILD/$folder has 1 MiB free, and N are needed. Free some, or move the project"
done

# refused NAME LINE VARIABLE=VALUE... COMMAND...: with this line only, and before anything is made.
refused() {
	local name=$1 line=$2
	shift 2
	run env -u ARCH -u KERNEL -u ACCEL "$@"
	result "vm: $name" same "$rc $(cat "$work/err")" "1 error: $line"
}
prepare=$TOP/scripts/vm/prepare.sh
read -r other _ other_debian _ < <(names "$([ "$HOST" = x86_64 ] && echo arm64 || echo x86_64)")
refused "ARCH= of a machine that is not known" \
	"ARCH=riscv64 is neither x86_64 nor arm64: there is a virtual machine for these two" \
	ARCH=riscv64 "$prepare"
refused "KERNEL= and ARCH= of two machines" \
	"KERNEL=cloud-amd64 is a kernel for amd64, and the guest is arm64: give ARCH=x86_64, or another KERNEL=" \
	KERNEL=cloud-amd64 ARCH=aarch64 "$prepare"
refused "a release of another machine" \
	"KERNEL=7.3.4+deb13-arm64-16k is a kernel for arm64, and the guest is amd64: give ARCH=arm64, or another KERNEL=" \
	KERNEL=7.3.4+deb13-arm64-16k ARCH=amd64 "$prepare"
refused "what is for x86-64 only" \
	"KERNEL=debug is for x86-64 only, and the guest is arm64 (leave out ARCH=arm64)" \
	KERNEL=debug ARCH=arm64 "$prepare"
# As prepared for it.
mkdir -p "$work/other/.build"/{kernel/it/guest,"guest-$other_debian"}
touch "$work/other/.build"/{kernel/it/guest,"guest-$other_debian"}/stamp
ln -s it "$work/other/.build/kernel/current-$other_debian"
cp -r "$TOP/scripts" "$work/other/"
refused "KVM for another machine" \
	"ACCEL=kvm: this machine is $HOST, and the guest $other, which can only be emulated here" \
	ACCEL=kvm ARCH="$other" "$work/other/scripts/vm/vm.sh" --cmd true

# With a preparation that takes seconds: this program is used by no other part.
mkdir "$work/bin"
printf '#!/bin/sh\nsleep 1\nexec %s "$@"\n' "$(command -v sha256sum)" > "$work/bin/sha256sum"
chmod +x "$work/bin/sha256sum"
start=$(now)
PATH=$work/bin:$PATH run make -C "$TOP" run
took=$(($(now) - start))
told=$(sed -n 's/^SUCCESS: .*(\([0-9]*\)\.\([0-9]\) s altogether)\.$/\1\20/p' "$work/out")
result "run: tells the time of all, with the preparation" \
	test $((took - ${told:-0})) -lt 300 -a "${told:-0}" -le "$took"

mark=vm_test.$$.interrupted
begin "$vm" --quiet --append "$mark" --cmd 'echo ready; sleep 1000'
await ready && [ -n "$(marked "$mark")" ] && kill -INT -- "-$job"
end
result "vm: Ctrl-C ends it" same "$rc $(grep -o Interrupted "$work/err")" "130 Interrupted"
result "vm: and the guest" gone "$mark"

begin "$vm" --quiet --interrupt --timeout 300 --cmd 'trap "echo told; exit 5" INT; echo ready; while :; do sleep 1; done'
await ready && kill -INT -- -"$job"
end
result "vm: --interrupt: Ctrl-C goes to the command, and the guest to its end" same \
	"$rc $(tr '\n' ' ' < "$work/out")" "5 ready told "

begin make -C "$TOP" trace DIR="$dir" JSON="$work/json" ONLY=ctrl_getfamily TIMEOUT=300 \
	CMD='genl ctrl get name nlctrl > "a file"; cat "one file"; sleep 1000'
await outside && kill -INT -- -"$job"
end
result "trace: Ctrl-C shows what was seen until then, and DIR= and ONLY= are passed on" same \
	"$(grep -c -e '^from outside' -e '^ *ctrl_getfamily' -e '^sendmsg()' "$work/out") $(
		python3 -c 'import json, sys; print({call["function"] for call in json.load(open(sys.argv[1]))["calls"]})' "$work/json")" \
	"3 {'sendmsg()'}"

run timeout 20 "$TOP/scripts/path/trace.sh" --html /nowhere/page 'genl ctrl list'
result "trace: where nothing can be written is known before it runs" same "$rc $(cat "$work/err")" \
	"1 error: /nowhere/page cannot be written: there is no folder /nowhere"

mark=vm_test.$$.killed
begin "$vm" --quiet --append "$mark" --cmd 'echo ready; sleep 1000'
# Bash would tell of its death.
{
	await ready && [ -n "$(marked "$mark")" ] && kill -KILL "$job"
	end
} 2> /dev/null
result "vm: a kill ends the guest as well" gone "$mark"

BOOT_SECONDS=1 run "$vm" --quiet --cmd 'echo once; exit 3'
result "vm: a guest that shows no sign of life is started again" same \
	"$rc $(cat "$work/out") $(grep -c 'started once more' "$work/err")" "3 once 2"

mkfifo "$work/keys"
exec {keys}<> "$work/keys"
set -m
script -qec "stty rows 41 cols 117; before=\$(stty -g)
	'$vm' --quiet --out '$work/back' --shell; echo \"status \$?\"
	[ \"\$before\" = \"\$(stty -g)\" ] && echo restored" /dev/null < "$work/keys" > "$work/out" 2>&1 &
job=$!
set +m
if await '# '; then
	# The last one is interrupted, and the shell is not.
	printf '%s\n' 'stty size > $OUT/size' 'echo sleeping; sleep 1000' >&"$keys"
	await sleeping && sleep 1 && printf '\003' >&"$keys"
	printf '%s\n' 'echo $? >> $OUT/size' 'exit 7' >&"$keys"
fi
await restored || true
exec {keys}>&-
end
result "vm: a shell has the size of the terminal, and Ctrl-C" same \
	"$(tr '\n' ' ' < "$work/back/size")" "41 117 130 "
result "vm: its status comes through, and the terminal is as it was" same \
	"$(grep -oE '^(status 7|restored)' "$work/out" | tr '\n' ' ')" "status 7 restored "

ktap_finished
