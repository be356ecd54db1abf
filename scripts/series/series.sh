#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes the patches that put rust/genl into the tree of the kernel that is prepared, with
# a cover letter, in .build/series: they could be mailed. Lists them, and what
# checkpatch.pl --strict says of each.
#
#   scripts/series/series.sh [--signoff] [--list]
#
# The author is who git's configuration names. Nothing is signed off, unless --signoff
# says so: that states the Developer Certificate of Origin. --list makes and lists them
# and does not run checkpatch.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

signoff=() checkpatch=yes
for word; do
	case $word in
	-h | --help)
		sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
		exit
		;;
	--signoff) signoff=(--signoff) ;;
	--list) checkpatch=no ;;
	*) die "unknown option '$word': see scripts/series/series.sh --help" ;;
	esac
done

OUT=$BUILD/series
SOURCE=$(readlink -f "$CURRENT")/src
who=$(git -C "$TOP" -c user.useConfigOnly=true var GIT_AUTHOR_IDENT 2> /dev/null) ||
	die "a patch has an author, and git does not know who you are: git config user.name NAME; git config user.email MAIL"
# The same sources make the same patches.
ident="${who% * *} $(git -C "$TOP" log -1 --format=%ct) +0000"

in_linux() {
	git -C "$OUT/linux.git" "$@"
}

mkdir -p "$OUT"
rm -rf "$OUT/linux.git" "$OUT"/*.patch
git init -q --bare "$OUT/linux.git"
"$TOP/scripts/vm/inroot" "$TOP/scripts/series/series.py" --kernel "$SOURCE" --ident "$ident" > "$OUT/stream"
in_linux fast-import --quiet < "$OUT/stream"
rm "$OUT/stream"
in_linux config branch.series.description "$(tail -n +2 "$TOP/scripts/series/messages/cover.txt")"
base=$(in_linux rev-list --max-parents=0 series)
mail=${who##*<}
GIT_COMMITTER_NAME=${who%% <*} GIT_COMMITTER_EMAIL=${mail%%>*} \
	in_linux format-patch -q -o "$OUT" --cover-letter --cover-from-description=subject \
	"${signoff[@]}" "$base..series"

# What each of them says and changes.
for commit in $(in_linux rev-list --reverse "$base..series"); do
	in_linux log -1 --format=%s "$commit"
	in_linux diff --shortstat "$commit~" "$commit"
done | paste - - | awk -F '\t' '{
	files = lines = gone = 0
	if (match($2, /[0-9]+ file/)) files = substr($2, RSTART) + 0
	if (match($2, /[0-9]+ ins/)) lines = substr($2, RSTART) + 0
	if (match($2, /[0-9]+ del/)) gone = substr($2, RSTART) + 0
	printf "%2d  %-69s %3d files %6d+ %4d-\n", NR, $1, files, lines, gone
	all += lines; less += gone
} END { printf "    %-69s           %6d+ %4d-\n", "all", all, less }'
[ ${#signoff[@]} -gt 0 ] || note "The author is ${who%>*}>. Nothing is signed off: --signoff does that."

[ $checkpatch = yes ] || exit 0
for patch in "$OUT"/0*.patch; do
	case $patch in
	*/0000-*) continue ;;
	esac
	# Its own check of licences lacks a library of Python.
	"$TOP/scripts/vm/inroot" perl "$SOURCE/scripts/checkpatch.pl" --root "$SOURCE" --strict --terse \
		--no-summary --show-types "$patch" || true
done > "$OUT/checkpatch" 2> "$OUT/checkpatch.err"
sed -nE 's/^.*\.patch:[0-9]*: (ERROR|WARNING|CHECK):([A-Z0-9_]+): .*/\1 \2/p' "$OUT/checkpatch" |
	sort | uniq -c | sort -rn | sed 's/^/checkpatch: /'
