#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make clients': runs netlink clients against nlpeer in the guest, those of
# 'make check' and those whose libraries come from PyPI, crates.io and Debian, and
# writes what they have seen into the tables of selftests/clients/README.md.
#
#   scripts/check/clients.sh [--check | CLIENT...]
#
# With names (with_libmnl, with_pyroute2.py ...) it only runs these, and writes no
# table. --check runs nothing and fails when the tables have not the versions that
# they would be made with, or nothing is said of a wrong reply. The libraries have their
# versions in requirements.txt, Cargo.lock and debian.txt there; they are fetched once,
# into .build/clients.

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

# What is pinned is what the archive has, or an error.
debian() {
	local packages
	rm -rf "$WORK/debian" "$WORK/debian.tmp"
	mkdir -p "$WORK/debian.tmp/debs"
	cd "$WORK/debian.tmp/debs"
	packages=$(sed -n 's/^\([a-z][^ ]*\) \([^ ]*\).*/\1=\2/p' "$SOURCE/debian.txt")
	# shellcheck disable=SC2086 # the words are packages
	"$TOP/scripts/vm/inroot" apt-get download $packages || {
		"$TOP/scripts/vm/inroot" apt-get update
		"$TOP/scripts/vm/inroot" apt-get download $packages
	}
	find . -name '*.deb' -exec dpkg-deb -x {} .. \;
	cd "$WORK"
	rm -r debian.tmp/debs
	cp "$SOURCE/debian.txt" debian.tmp/
	mv debian.tmp debian
}

# upstream NAME: the version of a client's library, without that of its package.
upstream() {
	sed -n "s:^[^ ]* \([^ ]*\)-[^-]* $1\$:\1:p" "$SOURCE/debian.txt"
}

# Static, too, since nothing is asked of cgo.
go() {
	local go=$WORK/debian/usr/lib/go-1.24 client
	cd "$SOURCE"
	for client in mdlayher vishvananda; do
		"$TOP/scripts/vm/inroot" env GOROOT="$go" GOPATH="$WORK/debian/usr/share/gocode" \
			GOCACHE="$WORK/go" GO111MODULE=off CGO_ENABLED=0 \
			"$go/bin/go" build -trimpath -ldflags "-X main.version=$(upstream "$client/netlink")" \
			-o "$WORK/debian/with_$client" "with_$client.go" client.go
	done
	"$TOP/scripts/vm/inroot" "$go/bin/gofmt" -d ./*.go > "$WORK/gofmt"
	[ ! -s "$WORK/gofmt" ] || {
		cat "$WORK/gofmt"
		return 1
	}
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
	cp "$WORK"/debian/with_* "$WORK/run/clients/"
	for file in "$SOURCE"/with_*.rs; do
		cp "$CRATES/$TARGET/release/$(basename "$file" .rs)" "$WORK/run/clients/"
	done
}

# The tables take the places of those in README.md.
write_tables() {
	local readme=$SOURCE/README.md kind
	cp "$readme" "$WORK/README.md"
	for kind in clients odd; do
		sed -e "/^<!-- $kind made by make clients -->\$/,/^<!-- end -->\$/{ //!d }" "$WORK/README.md" |
			sed "/^<!-- $kind made by make clients -->\$/r $WORK/$kind.table" > "$WORK/README.tmp"
		mv "$WORK/README.tmp" "$WORK/README.md"
	done
	if cmp -s "$WORK/README.md" "$readme"; then
		note "The tables of ${readme#"$TOP"/} are as they were."
	else
		cat "$WORK/README.md" > "$readme"
		note "The tables of ${readme#"$TOP"/} have changed: see git diff."
	fi
}

# The libraries that are fetched here, as 'NAME VERSION'.
pinned() {
	local crate
	sed -n 's/^[^# ]* \([^ ]*\)-[^-]* \([^ ]*\)$/\2 \1/p' "$SOURCE/debian.txt"
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
	while read -r name; do
		grep -qE "^- [^:]*\`$name\`[^:]*:" "$SOURCE/README.md" || {
			echo "selftests/clients/README.md does not say what to change where $name is wrong"
			rc=1
		}
	done < <(sed -n '/^<!-- odd made/,/^<!-- end/{ /\*\*/s/^| \([a-z-]*\) .*/\1/p }' "$SOURCE/README.md")
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
cmp -s "$SOURCE/debian.txt" "$WORK/debian/debian.txt" ||
	step "clients in Go: libraries" debian
step "clients in Go" go
gather

rc=0
rm -f "$WORK"/*.table
"$TOP/scripts/vm/vm.sh" --timeout 1800 --dir "$WORK/run" --out "$WORK" --env "CLIENTS=$*" --env "TEST_SLOW=${TEST_SLOW:-1}" --cmd '
	cd clients
	[ -n "$CLIENTS" ] || all="--all --write $OUT"
	exec ./clients.py $all $CLIENTS' || rc=$?
if [ $# = 0 ]; then
	[ -s "$WORK/odd.table" ] || rc=1
	[ "$rc" = 0 ] || die "not all clients have run: see above"
	write_tables
fi
exit "$rc"
