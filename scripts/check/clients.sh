#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make clients': runs netlink clients against nlpeer in the guest, those of
# 'make check' and those whose libraries come from PyPI and crates.io, and writes
# what they have seen into the table of selftests/clients/README.md.
#
#   scripts/check/clients.sh [--check | CLIENT...]
#
# With names (with_libmnl, with_pyroute2.py ...) it only runs these, and writes no
# table. --check runs nothing and fails when the table has not the versions that
# it would be made with. The libraries have their versions and hashes in requirements.txt and
# Cargo.lock there; they are fetched once, into .build/clients.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

[ "${1:-}" = --check ] || only_x86 "'make clients'"
SOURCE=$TOP/selftests/clients
WORK=$BUILD/clients
TARGET=x86_64-unknown-linux-gnu
CRATES=$WORK/target

# A registry may be reached by a proxy whose certificate only this host knows.
registry() {
	local certificates=/etc/ssl/certs/ca-certificates.crt binds=()
	[ ! -e "$certificates" ] || binds=(--bind "$certificates" "$certificates")
	"$TOP/scripts/vm/inroot" "${binds[@]}" "$@"
}

python() {
	rm -rf "$WORK/python" "$WORK/python.tmp"
	registry pip install --quiet --no-cache-dir --require-hashes --no-deps --only-binary :all: \
		--root-user-action ignore --target "$WORK/python.tmp" -r "$SOURCE/requirements.txt"
	cp "$SOURCE/requirements.txt" "$WORK/python.tmp/"
	mv "$WORK/python.tmp" "$WORK/python"
}

# Static, as the clients in C: the guest has no library for them. The target is
# named so that what runs here, at compile time, is made as ever.
rust() {
	registry env CARGO_HOME="$WORK/cargo" CARGO_TARGET_DIR="$CRATES" \
		cargo --config 'build.rustflags = ["-Ctarget-feature=+crt-static"]' \
		build --release --locked --target "$TARGET" --manifest-path "$SOURCE/Cargo.toml"
}

# All clients and what they need, in one folder for the guest.
gather() {
	local file
	rm -rf "$WORK/run"
	mkdir -p "$WORK/run"
	cp -r "$BUILD/selftests/clients" "$WORK/run/clients"
	cp "$BUILD/selftests/nlpeer.yaml" "$WORK/run/"
	cp "$SOURCE"/with_*.py "$WORK/run/clients/"
	cp -r "$WORK/python/." "$WORK/run/clients/"
	for file in "$SOURCE"/with_*.rs; do
		cp "$CRATES/$TARGET/release/$(basename "$file" .rs)" "$WORK/run/clients/"
	done
}

# The table takes the place of the one in README.md.
write_table() {
	local readme=$SOURCE/README.md
	sed -e '/^<!-- made by make clients -->$/,/^<!-- end -->$/{ //!d }' "$readme" |
		sed "/^<!-- made by make clients -->$/r $1" > "$WORK/README.md"
	if cmp -s "$WORK/README.md" "$readme"; then
		note "The table of ${readme#"$TOP"/} is as it was."
	else
		cat "$WORK/README.md" > "$readme"
		note "The table of ${readme#"$TOP"/} has changed: see git diff."
	fi
}

# The libraries that are not Debian's, as 'NAME VERSION'.
pinned() {
	local crate
	sed -n 's/^\([a-z0-9-]*\)==\([^ ]*\).*/\1 \2/p' "$SOURCE/requirements.txt"
	while read -r crate; do
		sed -n "/^name = \"$crate\"\$/{ n; s/version = \"\(.*\)\"/$crate \1/p }" "$SOURCE/Cargo.lock"
	done < <(sed -n 's/^ *version("\(.*\)"),$/\1/p' "$SOURCE"/with_*.rs)
}

check() {
	local name version rc=0
	while read -r name version; do
		grep -qF "| $name | $version |" "$SOURCE/README.md" || {
			echo "selftests/clients/README.md has no row of $name $version: run 'make clients'"
			rc=1
		}
	done < <(pinned)
	return "$rc"
}

if [ "${1:-}" = --check ]; then
	check
	exit
fi
alone
"$TOP/scripts/vm/build.sh"
mkdir -p "$WORK"
cmp -s "$SOURCE/requirements.txt" "$WORK/python/requirements.txt" ||
	step "clients in Python: libraries" python
step "clients in Rust" rust
gather

rc=0
rm -f "$WORK/table"
"$TOP/scripts/vm/vm.sh" --dir "$WORK/run" --out "$WORK" --env "CLIENTS=$*" --cmd '
	cd clients
	[ -n "$CLIENTS" ] || all="--all --write $OUT/table"
	exec ./clients.py $all $CLIENTS' || rc=$?
if [ $# = 0 ]; then
	[ -s "$WORK/table" ] || rc=1
	[ "$rc" = 0 ] || die "not all clients have run: see above"
	write_table "$WORK/table"
fi
exit "$rc"
