#!/usr/bin/env bash
# Installs what is missing: `setup.sh build` for building, `setup.sh test` for the tests besides. `setup.sh missing build`
# (or test) only prints the Debian packages that it would install.
# With root (or sudo without a password) it installs Debian packages; otherwise it prints the command to run.
#
# Every probe does what the build will do: it compiles, parses or loads. The name of a file says too little, and the
# build would fail only after the long part.
set -euo pipefail
cd "$(dirname "$0")/.."

only_print=
if [ "${1:-}" = missing ]; then only_print=yes; shift; fi
stage=${1:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

has_compiler() {
  printf '#include <concepts>\n#include <string>\nint main() { return std::string("0").size() - 1; }\n' > "$work/probe.cc"
  "${CXX:-g++}" -std=c++20 "$work/probe.cc" -o "$work/probe" && "$work/probe"
}
has_libclang() {
  "${CXX:-g++}" -std=c++20 scripts/probes/libclang.cc -ldl -o "$work/libclang" && "$work/libclang"
}
has_protoc() { protoc --version; }
has_well_known_types() { protoc -I scripts/probes -o /dev/null scripts/probes/timestamp.proto; }
has_certificates() { [ -n "${SSL_CERT_FILE:-}" ] || [ -s /etc/ssl/certs/ca-certificates.crt ]; }
has_venv() { python3 -c 'import ensurepip, venv'; }
has_faketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1'; }
has_command() { command -v "$1"; }

missing=()
# want PACKAGE PROBE...: adds the package unless the probe succeeds.
want() {
  local package=$1; shift
  "$@" > /dev/null 2>&1 || missing+=("$package")
}

look() {
  missing=()
  want g++ has_compiler
  want libclang-dev has_libclang
  want protobuf-compiler has_protoc
  want libprotobuf-dev has_well_known_types
  want git has_command git
  want ca-certificates has_certificates
  if [ "$stage" = test ]; then
    want etcd-server has_command etcd
    want etcd-client has_command etcdctl
    want kcat has_command kcat
    want openssl has_command openssl
    want python3-venv has_venv
    want libfaketime has_faketime
  fi
}

look
if [ -n "$only_print" ]; then
  [ ${#missing[@]} -eq 0 ] || printf '%s\n' "${missing[@]}"
  exit
fi

if [ ${#missing[@]} -gt 0 ]; then
  install="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then run=""
  elif sudo -n true 2> /dev/null; then run="sudo"
  else
    echo "Please install what is missing, then run this again:" >&2
    echo "  sudo apt-get update && sudo $install" >&2
    exit 1
  fi
  echo "Installing: ${missing[*]}" >&2
  $run apt-get update -qq
  $run env DEBIAN_FRONTEND=noninteractive $install > /dev/null
  # A package that does not bring what the build needs must show now, not after the long part.
  look
  if [ ${#missing[@]} -gt 0 ]; then
    echo "Installed, but the build would still fail: ${missing[*]} does not work here." >&2
    echo "Try the checks at the top of scripts/setup.sh by hand to see why." >&2
    exit 1
  fi
fi

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(cargo --version 2> /dev/null | cut -d ' ' -f 2 || true)
if [ "$(printf '%s\n' "$wanted" "${found:-0}" | sort -V | head -n 1)" != "$wanted" ]; then
  echo "Rust $wanted or newer is needed, and ${found:-none} was found. Install it from https://rustup.rs (or Debian's rustup" >&2
  echo "package), then run this again." >&2
  exit 1
fi

if [ "$stage" = test ]; then
  scripts/test-clients.sh > /dev/null
  if command -v java > /dev/null && command -v mvn > /dev/null; then scripts/kafka-tools.sh > /dev/null
  else echo "skipped: Apache Kafka's own tools are tested only where java and mvn are installed" >&2
  fi
  if command -v go > /dev/null; then scripts/etcd.sh > /dev/null
  else echo "skipped: etcd 3.6's backup and restore are tested only where go is installed" >&2
  fi
fi
