#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# For a change of rust/genl that edits/genl.diff does not fit: writes the files as they come
# (.build/series/edit/a), and as they are in the tree (.build/series/edit/b, as far as the
# difference still fits: what does not is in files *.rej). Edit b, then:
#
#   scripts/series/edit.sh --done

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

EDIT=$BUILD/series/edit
DIFF=$TOP/scripts/series/edits/genl.diff

case ${1:-} in
'')
	rm -rf "$EDIT"
	mkdir -p "$EDIT"
	"$TOP/scripts/vm/inroot" "$TOP/scripts/series/series.py" --moved "$EDIT/a"
	cp -r "$EDIT/a" "$EDIT/b"
	"$TOP/scripts/vm/inroot" patch -p1 -F0 -s --no-backup-if-mismatch -d "$EDIT/b" -i "$DIFF" ||
		note "What does not fit is in .build/series/edit/b, in files *.rej."
	;;
--done)
	find "$EDIT/b" -name '*.rej' -delete
	cd "$EDIT"
	{
		echo '# SPDX-License-Identifier: GPL-2.0'
		# It says by its status that there is a difference.
		diff -ruN a b || true
	} |
		sed 's/^\(---\|+++\) \(\S*\)\t.*/\1 \2/; /^diff -ruN/d' > "$DIFF.new"
	mv "$DIFF.new" "$DIFF"
	;;
-h | --help) sed -n '4,/^$/s/^# \{0,1\}//p' "$0" ;;
*) die "unknown option '$1': see scripts/series/edit.sh --help" ;;
esac
