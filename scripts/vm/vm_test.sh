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
job=''
cleanup() {
	[ -z "$job" ] || kill -KILL -- "-$job" 2> /dev/null || true
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

# same GOT WANT
same() {
	[ "$1" != "$2" ] || return 0
	printf '# got:  %s\n# want: %s\n' "$1" "$2"
	tail -n 20 "$work/err" | sed 's/^/# stderr: /'
	return 1
}

echo "TAP version 13"
echo "1..11"

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

mark=vm_test.$$.interrupted
begin "$vm" --quiet --append "$mark" --cmd 'echo ready; sleep 1000'
await ready && [ -n "$(marked "$mark")" ] && kill -INT -- "-$job"
end
result "vm: Ctrl-C ends it" same "$rc $(grep -o Interrupted "$work/err")" "130 Interrupted"
result "vm: and the guest" gone "$mark"

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

[ "$failures" = 0 ]
