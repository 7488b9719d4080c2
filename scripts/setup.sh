#!/usr/bin/env bash
# Installs what is missing: `setup.sh build` for building, `setup.sh test` for the tests besides.
# With root (or sudo without a password) Debian packages are installed; otherwise the command to run is printed.
set -euo pipefail
cd "$(dirname "$0")/.."

# Asks for packages once, and only for what is not there.
want() { # want COMMAND-OR-FILE PACKAGE...
  local probe=$1; shift
  case $probe in
    /*) compgen -G "$probe" > /dev/null && return ;;
    *) command -v "$probe" > /dev/null && return ;;
  esac
  missing+=("$@")
}

missing=()
want g++ g++
want protoc protobuf-compiler
want /usr/include/google/protobuf/timestamp.proto libprotobuf-dev
want '/usr/lib/llvm-*/lib/libclang*.so*' libclang-dev
want git git
want curl curl ca-certificates
if [ "${1:-build}" = test ]; then
  want etcd etcd-server
  want etcdctl etcd-client
  want kcat kcat
  want openssl openssl
  want python3 python3 python3-venv
  want '/usr/lib/*/faketime/libfaketimeMT.so.1' libfaketime
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
  DEBIAN_FRONTEND=noninteractive $run $install > /dev/null
fi

if ! command -v cargo > /dev/null; then
  echo "Rust is missing. Install it from https://rustup.rs (or Debian's rustup package), then run this again." >&2
  exit 1
fi

if [ "${1:-build}" = test ]; then
  scripts/test-clients.sh > /dev/null
  if command -v java > /dev/null && command -v mvn > /dev/null; then scripts/kafka-tools.sh > /dev/null
  else echo "skipped: Apache Kafka's own tools are tested only where java and mvn are installed" >&2
  fi
fi
