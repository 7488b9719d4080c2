#!/usr/bin/env bash
# Fetches Apache Kafka's own command-line tools (jars from Maven's repository) into a cache outside the checkout and
# prints the directory that holds them. Idempotent: a finished directory of the same POM is only looked at.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pom=$here/../integration-tests/clients/kafka-tools.pom.xml
for tool in java mvn; do
  command -v $tool >/dev/null || {
    echo "kafka-tools.sh: no $tool on PATH (Debian: apt-get install openjdk-17-jre-headless maven)" >&2
    exit 1
  }
done

cache=${BARNABAS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/barnabas}
jars=$cache/kafka-tools-$(sha256sum <"$pom" | cut -c1-12)
if [ ! -e "$jars/ready" ]; then
  mkdir -p "$cache"
  exec 9>"$jars.lock"
  flock 9 # tests that start at once wait for the first
  if [ ! -e "$jars/ready" ]; then
    rm -rf "$jars"
    mkdir "$jars"
    mvn -q -B -Dstyle.color=never -f "$pom" dependency:copy-dependencies -DoutputDirectory="$jars" -DincludeScope=runtime >&2
    touch "$jars/ready"
  fi
fi
echo "$jars"
