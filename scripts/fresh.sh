#!/usr/bin/env bash
# Proves the README's two commands as a new user meets them: from a clean clone, in a minimal Debian root that has make,
# git and certificates and nothing else. Lent to it are only cargo's folders and the RocksDB build, so that it does not
# take an hour; DNS and certificates are the host's.
#
#   fresh.sh            `make run` and `make test`, bare and with LLVM installed (an hour on two cores)
#   fresh.sh probes     only the installing part, both ways, and that every probe finds what is missing (minutes)
#
# Needs root, for chroot. BARNABAS_FRESH keeps the roots somewhere else than in the cache; each is made anew.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
suite=${DEBIAN_SUITE:-bookworm}
cache=${BARNABAS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/barnabas}
roots=${BARNABAS_FRESH:-$cache/fresh}
base=$roots/$suite.tar
cargo_home=${CARGO_HOME:-$HOME/.cargo}
rustup_home=${RUSTUP_HOME:-$HOME/.rustup}

if [ "$(id -u)" != 0 ]; then
  if [ "$what" = probes ]; then echo "skipped: only root can make a fresh system, by chroot" >&2; exit; fi
  echo "fresh.sh: needs root, for chroot" >&2
  exit 1
fi
say() { printf '\nfresh: %s\n' "$*" >&2; }

# Everything happens in namespaces of its own: mounts and processes end with it, however it ends.
if [ -z "${BARNABAS_FRESH_INSIDE:-}" ]; then
  mkdir -p "$roots"
  BARNABAS_FRESH_INSIDE=1 unshare --mount --propagation private --pid --fork --kill-child "$0" "$what"
  rm -rf --one-file-system "$roots/bare" "$roots/llvm" # a failure leaves them to look at
  exit
fi

if [ ! -e "$base" ]; then
  command -v debootstrap > /dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends debootstrap > /dev/null; }
  say "making a minimal Debian $suite root, once"
  rm -rf "$roots/base"
  debootstrap --variant=minbase --include=make,git,ca-certificates "$suite" "$roots/base" > "$roots/debootstrap.log" || {
    tail -n 20 "$roots/debootstrap.log" >&2
    exit 1
  }
  tar -C "$roots/base" -cf "$base.new" .
  mv "$base.new" "$base"
  rm -rf "$roots/base"
fi

# make_root DIR: a new root with the clone in /barnabas and the lent folders.
make_root() {
  local root=$1
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  tar -C "$root" -xf "$base"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  cp -L /etc/hosts "$root/etc/hosts"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  mkdir -p "$root/root/.cargo" "$root/root/.rustup" "$root/root/.cache/barnabas"
  mount --rbind "$cargo_home" "$root/root/.cargo"
  mount --rbind "$rustup_home" "$root/root/.rustup"
  local lent
  for lent in "$cache"/rocksdb-*; do
    [ -e "$lent" ] || continue
    mkdir "$root/root/.cache/barnabas/$(basename "$lent")"
    mount --rbind "$lent" "$root/root/.cache/barnabas/$(basename "$lent")"
  done
  git clone -q --no-local . "$root/barnabas"
}

# inside ROOT COMMAND...: runs it in the clone, with the environment of a login and nothing of this one.
inside() {
  local root=$1; shift
  chroot "$root" /usr/bin/env -i HOME=/root USER=root TERM=dumb LANG=C.UTF-8 PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    PATH=/root/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /bin/bash -euo pipefail -c 'cd /barnabas; "$@"' inside "$@"
}

expect() { # expect WHAT WANTED FOUND
  [ "$2" = "$3" ] || { printf 'fresh: %s: expected "%s", found "%s"\n' "$1" "$2" "$3" >&2; exit 1; }
}

list() { tr '\n' ' ' | sed 's/ $//'; }

# Each probe misses what is not there, and finds it once it is installed.
prove_probes() {
  local root=$1
  case $root in
    */llvm) expect "packages missing beside LLVM" libclang-dev "$(inside "$root" scripts/setup.sh missing build | grep -x libclang-dev)" ;;
    *) expect "packages missing on a bare system" "g++ libclang-dev protobuf-compiler libprotobuf-dev" \
         "$(inside "$root" scripts/setup.sh missing build | list)" ;;
  esac
  inside "$root" make setup
  expect "packages missing after the set-up" "" "$(inside "$root" scripts/setup.sh missing build | list)"
  # The compiler's headers are a package of their own; bindgen fails without them.
  inside "$root" bash -c 'mv /usr/lib/llvm-*/lib/clang /clang-headers'
  expect "packages missing without clang's headers" libclang-dev "$(inside "$root" scripts/setup.sh missing build | list)"
  inside "$root" bash -c 'mv /clang-headers "$(dirname "$(ls -d /usr/lib/llvm-*/lib/libclang.so | head -n 1)")/clang"'
  inside "$root" bash -c 'mv /usr/include/google /google'
  expect "packages missing without the well-known types" libprotobuf-dev "$(inside "$root" scripts/setup.sh missing build | list)"
  inside "$root" mv /google /usr/include/google
}

# `make run` until a record has gone in and out again, by the README's commands.
prove_run() {
  local root=$1 log=$1/run.log
  inside "$root" make run RUN_ARGS='--override listeners=PLAINTEXT://127.0.0.1:19092' > "$log" 2>&1 &
  local running=$!
  until inside "$root" target/release/barnabas topic list --bootstrap-server 127.0.0.1:19092 > /dev/null 2>&1; do
    kill -0 $running 2> /dev/null || { tail -n 40 "$log" >&2; say "make run ended"; exit 1; }
    sleep 2
  done
  inside "$root" bash -c 'set -e
    export PATH=$PWD/target/release:$PATH BARNABAS_BOOTSTRAP_SERVERS=127.0.0.1:19092
    barnabas topic create --topic greetings --partitions 3
    echo "hello, world" | barnabas produce --topic greetings
    [ "$(barnabas consume --topic greetings --from-beginning --max-messages 1)" = "hello, world" ]'
  inside "$root" pkill -INT -x barnabas || inside "$root" bash -c 'kill -INT $(pidof barnabas)'
  wait $running || true
}

for kind in bare llvm; do
  root=$roots/$kind
  say "a new $kind root"
  make_root "$root"
  if [ $kind = llvm ]; then
    inside "$root" bash -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends llvm > /dev/null'
  fi
  if [ "$what" = probes ]; then
    say "$kind: the probes"
    prove_probes "$root"
  else
    say "$kind: make run"
    prove_run "$root"
    say "$kind: make test"
    inside "$root" make test
  fi
done
say "passed: $what"
