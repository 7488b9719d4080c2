#!/usr/bin/env bash
# Sets up the Python Kafka clients that the tests drive, in a venv outside the checkout, and prints its
# interpreter's path. Idempotent: a finished venv of the same requirements is only looked at.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
requirements=$here/../integration-tests/clients/requirements.txt
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "test-clients.sh: no $python on PATH" >&2; exit 1; }

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
hash=$( (cat "$requirements"; echo "$version") | sha256sum | cut -c1-12)
cache=${BARNABAS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/barnabas}
venv=$cache/venv-$hash
if [ ! -e "$venv/ready" ]; then
  mkdir -p "$cache"
  exec 9>"$venv.lock"
  flock 9 # tests that start at once wait for the first
  if [ ! -e "$venv/ready" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv" >&2 || {
      echo "test-clients.sh: cannot make a venv (Debian: apt-get install python3-venv)" >&2
      exit 1
    }
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
    touch "$venv/ready"
  fi
fi
echo "$venv/bin/python"
