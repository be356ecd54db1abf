#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The checks that need no virtual machine, as TAP: format, lints,
# documentation, generated files, and rules of this project. A check whose tool
# is missing is skipped, and says so.
#
#   scripts/check/lint.sh [CHECK...]
#
# With names only these are made: rustfmt, clippy, and so on, as it has printed them.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

cd "$TOP"
git ls-files > /dev/null || die "lint looks at what git knows: run it in a clone of the project, with git"
[ -e "$CURRENT/stamp" ] || die "nothing is prepared yet: run 'make prepare'"
alone
RELEASE=$(readlink "$CURRENT")
KERNEL_DIR=$(readlink -f "$CURRENT")
MOD=$BUILD/mod/$RELEASE
mkdir -p "$BUILD/lint"

# What git knows, and what it does not ignore: a stray file counts as well.
files() {
	git -C "$TOP" ls-files --cached --others --exclude-standard -- "$@" |
		while read -r file; do
			[ ! -f "$file" ] || printf '%s\n' "$file"
		done
}

inside() {
	"$TOP/scripts/vm/inroot" "$@"
}

need() {
	inside sh -c "command -v $1" > /dev/null || {
		echo "the toolchain root lacks $1"
		return 4
	}
}

shell_files() {
	{
		files '*.sh' scripts/vm/inroot .ci/run scripts/vm/guest/init scripts/bundle/nlpeer-vm
		# A page may show a script.
		files | grep -v '\.md$' | xargs grep -lE '^#!.*(ba)?sh$' 2> /dev/null || true
	} | sort -u
}

check_rustfmt() {
	need rustfmt
	files 'rust/*.rs' 'selftests/*.rs' 'scripts/*/tests/*.rs' 'scripts/*_test.rs' | grep -v /compile-fail/ |
		xargs "$TOP/scripts/vm/inroot" rustfmt --edition 2021 --check
	# Their modules lie elsewhere: rustfmt does not look for those of its standard input.
	local file rc=0
	for file in $(files 'scripts/check/loom/*.rs'); do
		inside rustfmt --edition 2021 --check < "$file" || {
			echo "$file"
			rc=1
		}
	done
	return "$rc"
}

check_clippy() {
	need clippy-driver
	inside "$TOP/scripts/check/clippy.py" --kernel "$KERNEL_DIR/build" --mod "$MOD"
}

check_modpost() {
	# The C compiler and modpost have nothing to say when they do their work once more. What
	# rustc had to say clippy has said.
	rm -rf "$BUILD/lint/modules"
	cp -a "$MOD" "$BUILD/lint/modules"
	local file
	(cd "$BUILD/lint/modules" && find . -name '*.o') | while read -r file; do
		[ ! -e "$TOP/${file%.o}.c" ] || rm "$BUILD/lint/modules/$file"
	done
	rm -f "$BUILD"/lint/modules/*.{ko,mod,mod.c,mod.o} "$BUILD/lint/modules/Module.symvers"
	"$TOP/scripts/vm/build.sh" --mod "$BUILD/lint/modules" modules 2>&1 | tee "$BUILD/lint/modules.txt"
	grep -q 'MODPOST' "$BUILD/lint/modules.txt"
	! grep -E 'warning|WARNING|error' "$BUILD/lint/modules.txt"
}

check_rustdoc() {
	need rustdoc
	"$TOP/scripts/check/doc.sh"
}

check_shellcheck() {
	need shellcheck
	# 1091, 2034: lib.sh is sourced. 2016: single quotes on purpose. 2054:
	# commas are part of QEMU's arguments. 2317: functions that traps call.
	# 1007: assignments of nothing.
	shell_files | xargs "$TOP/scripts/vm/inroot" shellcheck -x -P SCRIPTDIR \
		--exclude=SC1091,SC2034,SC2016,SC2054,SC2317,SC1007
}

check_python() {
	need pyflakes3
	files '*.py' | xargs "$TOP/scripts/vm/inroot" pyflakes3
}

# The generator says of what type all is, and that is so.
check_types() {
	need mypy
	files ':(glob)scripts/gen/*.py' |
		xargs "$TOP/scripts/vm/inroot" mypy --strict --cache-dir "$BUILD/lint/mypy"
}

checkpatch() {
	xargs "$TOP/scripts/vm/inroot" perl "$KERNEL_DIR/src/scripts/checkpatch.pl" \
		--no-tree --strict --no-summary --terse --show-types "$@" -f
}

check_checkpatch() {
	local rc=0
	# Trace events are macros that it takes for functions, and a module out of
	# the tree has to ask for the version of the kernel.
	files 'rust/*.c' 'rust/*.h' 'selftests/*/module*/*.c' 'selftests/bench/*.[ch]' \
		'selftests/fuzz/flaws.[ch]' |
		grep -vE '^rust/(\w+)/\1\.h$|/bench/((bench|ports)\.c|measure\.h)$' |
		checkpatch --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON \
			--ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT || rc=1
	# The programs of user space have no types, attributes and helpers of the
	# kernel.
	{
		files 'selftests/*.c' 'selftests/*.h' | grep -vE '/bench/|/module[^/]*/|/fuzz/flaws'
		printf '%s\n' selftests/bench/{bench.c,ports.c,measure.h}
	} |
		checkpatch --ignore PREFER_KERNEL_TYPES,MACRO_ARG_REUSE \
			--ignore PREFER_DEFINED_ATTRIBUTE_MACRO || rc=1
	# Where it finds a word in camel case it keeps a list of those of the kernel.
	rm -f "$TOP"/.checkpatch-camelcase.*
	return "$rc"
}

check_specs() {
	need yamllint
	local specs
	# Most of those of the ports are the kernel's.
	mapfile -t specs < <(files ':(glob)rust/*/*.yaml' ':(glob)rust/ports/*/*.yaml' |
		while read -r file; do
			[ -e "$KERNEL_DIR/src/Documentation/netlink/specs/${file##*/}" ] || printf '%s\n' "$file"
		done)
	inside yamllint -s -d \
		'{extends: default, rules: {line-length: {max: 80}, document-start: enable, comments: {require-starting-space: true}}}' \
		"${specs[@]}"
	inside yamllint -s -d '{extends: relaxed, rules: {line-length: disable}}' selftests/clients/*.yml
	inside env PYTHONPATH="$KERNEL_DIR/src/tools/net/ynl/pyynl" python3 - \
		"$KERNEL_DIR/src/Documentation/netlink" "${specs[@]}" <<-'PYTHON'
		import sys
		import yaml
		from lib import SpecFamily
		for spec in sys.argv[2:]:
		    with open(spec, encoding="utf-8") as file:
		        protocol = yaml.safe_load(file).get("protocol", "genetlink")
		    family = SpecFamily(spec, f"{sys.argv[1]}/{protocol}.yaml")
		    for op in family.ops.values():
		        assert op.yaml.get("doc"), f"{spec}: operation {op.name} has no doc"
		    for attrs in family.attr_sets.values():
		        for attr in attrs.attrs.values():
		            assert attr.yaml.get("doc") or attr.type in ("unused", "pad"), \
		                f"{spec}: {attrs.name}: {attr.name} has no doc"
	PYTHON
}

check_generated() {
	"$TOP/scripts/gen/regen.sh" --check
}

check_ports() {
	"$TOP/scripts/check/ports.py" --kernel "$KERNEL_DIR/src" --check
}

check_series() {
	inside "$TOP/scripts/series/typecheck.py" --kernel "$KERNEL_DIR/build" \
		--work "$BUILD/lint/series" --last
}

check_covers() {
	"$TOP/scripts/check/covers.py" --check
}

check_pages() {
	files | xargs "$TOP/scripts/check/pages.py"
}

check_clients() {
	"$TOP/scripts/check/clients.sh" --check
}

check_spdx() {
	local file rc=0
	for file in $(files | grep -vE '^(LICENSE|README\.md|.*/README\.md|\.rustfmt\.toml)$'); do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: ' || {
			echo "$file: no SPDX-License-Identifier in its first two lines"
			rc=1
		}
	done
	return "$rc"
}

check_unsafe() {
	local rc=0
	# A family that needs unsafe shows a hole in the framework. That each unsafe
	# in the framework says why it is right is clippy's matter.
	# A port that is half C calls that in one file, which is beside the one in C, and
	# nlpeer so makes the replies that are odd on purpose.
	if files 'rust/*.rs' 'selftests/*/module*/*.rs' | grep -v '^rust/genl/' |
		grep -vxFf <(files 'rust/ports/*.c' rust/nlpeer/odd.c | sed '/\/helpers\.c$/d; s/\.c$/.rs/') |
		xargs grep -nwE 'unsafe' | grep -vE ':\s*//|forbid\(unsafe_code\)'; then
		echo "unsafe outside rust/genl"
		rc=1
	fi
	# A module has rust/genl as a part of its crate: a macro of its own in front of that
	# would take the place of what is not called by its path.
	local file unqualified=0
	for file in $(files 'rust/genl/*.rs'); do
		awk -v own="$(sed -nE 's/^ *macro_rules! ([a-z_]+).*/\1/p' "$file" | tr '\n' ' ')" '
			BEGIN { split("concat include_str macro_rules module_path stringify " own, names, " ")
				for (i in names) known[names[i]] }
			/kunit_tests/ { exit found }
			/^ *\/\// { next }
			{
				for (rest = $0; match(rest, /(^|[^:_[:alnum:]$])[a-z_]+!/); rest = substr(rest, RSTART + RLENGTH)) {
					name = substr(rest, RSTART, RLENGTH - 1)
					sub(/^[^a-z_]/, "", name)
					if (!(name in known)) {
						print FILENAME ":" FNR ": " $0
						found = 1
					}
				}
			}
			END { exit found }' "$file" || unqualified=1
	done
	if [ "$unqualified" = 1 ]; then
		echo "a macro of the author's could take the place of this one: write core::assert!"
		rc=1
	fi
	return "$rc"
}

# covers: trap n
check_panics() {
	# genltest uses all of the framework.
	local module families ports
	read -ra families < <(sed -n 's/^families := //p' Kbuild)
	read -ra ports < <(sed -n 's/^ports := *//p' Kbuild)
	for module in "${families[@]}" "${ports[@]/#/genl_}" genltest; do
		inside "$TOP/scripts/check/panics.py" "$MOD/$module.ko"
	done
}

# The lines that say why a function of 4.20 is not seen on the paths of netlink.
check_paths() {
	inside env PYTHONDONTWRITEBYTECODE=1 "$TOP/scripts/path/paths.py" --kernel "$KERNEL_DIR/src"
}

check_spelling() {
	need codespell
	files | grep -v '^LICENSE$' | xargs "$TOP/scripts/vm/inroot" codespell \
		--ignore-words-list=crate,caf,nam,statics,nestin,atleast,iif
}

all="rustfmt clippy modpost rustdoc shellcheck python types checkpatch specs generated
	series covers pages ports clients spdx unsafe panics paths spelling"
checks=${*:-$all}
for check in $checks; do
	[[ " ${all//[[:space:]]/ } " = *" $check "* ]] || die "there is no check '$check'; there are: ${all//[[:space:]]/ }"
done
failed=0 number=0
echo "TAP version 13"
# shellcheck disable=SC2086 # words
echo "1..$(set -- $checks; echo $#)"
for check in $checks; do
	number=$((number + 1))
	# In a condition the check would go on after its errors.
	set +e
	(
		set -euo pipefail
		"check_$check"
	) > "$BUILD/lint/$check.out" 2>&1 < /dev/null
	rc=$?
	set -e
	case $rc in
	0) echo "ok $number lint $check" ;;
	4) echo "ok $number lint $check # SKIP $(tail -n 1 "$BUILD/lint/$check.out")" ;;
	*)
		echo "not ok $number lint $check"
		tail -n 40 "$BUILD/lint/$check.out" | sed 's/^/# /'
		failed=1
		;;
	esac
done
exit "$failed"
