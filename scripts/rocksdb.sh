#!/usr/bin/env bash
# Builds the RocksDB that the `rocksdb` crate brings along, as a few large translation units instead of 343
# small ones: 6 CPU-minutes instead of 25. The result is kept outside the checkout, per version and compiler
# flags, so that it is built once per machine. Prints the two variables that make cargo use it:
#
#   eval "$(scripts/rocksdb.sh)" && cargo build --release
#
# Plain `cargo build` works without this script; it only takes longer. To use another cache directory, set
# BARNABAS_CACHE.
set -euo pipefail
cd "$(dirname "$0")/.."

flags=(-std=c++20 -O2 -fPIC -w -DNDEBUG -DHAVE_ALIGNED_NEW -DHAVE_UINT128_EXTENSION -DOS_LINUX
  -DROCKSDB_PLATFORM_POSIX -DROCKSDB_LIB_IO_POSIX -DROCKSDB_SCHED_GETCPU_PRESENT
  -DROCKSDB_AUXV_GETAUXVAL_PRESENT -DROCKSDB_FALLOCATE_PRESENT -DROCKSDB_RANGESYNC_PRESENT)
# Must match .cargo/config.toml: the checksum routine is chosen when RocksDB is compiled.
[ "$(uname -m)" = x86_64 ] && flags+=(-march=haswell -mpclmul)
cxx=${CXX:-g++}

version=$(sed -n '/^name = "librocksdb-sys"$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
key=$(printf '%s\n' "${flags[@]}" "$("$cxx" -dumpfullversion)" | sha256sum | cut -c1-12)
cache=${BARNABAS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/barnabas}/rocksdb-$version-$key

announce() { printf 'export ROCKSDB_LIB_DIR=%q ROCKSDB_STATIC=1\n' "$cache"; }

if [ -f "$cache/librocksdb.a" ]; then announce; exit; fi

mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9
if [ -f "$cache/librocksdb.a" ]; then announce; exit; fi

cargo fetch --locked --quiet >&2
source=$(ls -d "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"librocksdb-sys-$version" | head -n 1)
units=9
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
sources=$(grep -v '^util/build_version.cc$' "$source/rocksdb_lib_sources.txt")
count=$(wc -l <<< "$sources")
for unit in $(seq 1 $units); do
  sed -n "$(((unit - 1) * count / units + 1)),$((unit * count / units))p" <<< "$sources" |
    sed 's|.*|#include "rocksdb/&"|' > "$work/unit$unit.cc"
done
printf '#include "build_version.cc"\n' > "$work/unit0.cc"

echo "Building RocksDB $version once for this machine (about 6 CPU-minutes) ..." >&2
compile() {
  "$cxx" "${flags[@]}" -I"$source" -I"$source/rocksdb" -I"$source/rocksdb/include" \
    -c "$work/$1.cc" -o "$work/$1.o"
  echo "  rocksdb: $1 of unit$units" >&2
}
running=0
for unit in $(seq 0 $units); do
  compile "unit$unit" & running=$((running + 1))
  if [ $running -ge "$(nproc)" ]; then wait -n; running=$((running - 1)); fi
done
while [ $running -gt 0 ]; do wait -n; running=$((running - 1)); done
ar crs "$work/librocksdb.a" "$work"/*.o
mv "$work/librocksdb.a" "$cache/librocksdb.a"
announce
