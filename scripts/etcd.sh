#!/usr/bin/env bash
# Builds etcd 3.6 with its tools (etcd, etcdctl, etcdutl) from Go's module proxy into a cache outside the checkout, and
# prints the directory that holds them. Debian's etcd 3.4 cannot restore a backup with a raised revision. Idempotent: a
# finished directory of the same versions is only looked at.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
module=$here/../integration-tests/etcd
command -v go >/dev/null || {
  echo "etcd.sh: no go on PATH (https://go.dev/dl, 1.24 or later), so nothing is tested with etcd 3.6" >&2
  exit 1
}

cache=${BARNABAS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/barnabas}
programs=$cache/etcd-$(cat "$module"/go.{mod,sum} | sha256sum | cut -c1-12)
if [ ! -e "$programs/ready" ]; then
  mkdir -p "$cache"
  exec 9>"$programs.lock"
  flock 9 # tests that start at once wait for the first
  if [ ! -e "$programs/ready" ]; then
    rm -rf "$programs"
    mkdir "$programs"
    build() { (cd "$module" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags=-s -o "$programs/$1" "$2") >&2; }
    build etcd go.etcd.io/etcd/server/v3
    build etcdctl go.etcd.io/etcd/etcdctl/v3
    build etcdutl go.etcd.io/etcd/etcdutl/v3
    touch "$programs/ready"
  fi
fi
echo "$programs"
