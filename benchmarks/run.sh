#!/usr/bin/env bash
# Measures Barnabas and Apache Kafka side by side (`benchmarks/run.sh --help`), or the storage engine alone
# (`benchmarks/run.sh storage --help`). Kafka comes into the cache by scripts/kafka-tools.sh and needs a JRE and mvn;
# librdkafka is kcat. What is missing is said, and left out.
set -euo pipefail
cd "$(dirname "$0")/.."
ulimit -n "$(ulimit -Hn)" # thousands of partitions and connections

eval "$(scripts/rocksdb.sh)"
# Both packages, as `make build` has them: either alone would be compiled with other features.
cargo build --locked --release --quiet -p barnabas-cli -p barnabas-benchmarks
bin=${CARGO_TARGET_DIR:-target}/release

if [ "${1:-}" = storage ]; then exec "$bin/storage" "${@:2}"; fi

options=()
if jars=$(scripts/kafka-tools.sh); then options+=(--kafka-jars "$jars")
else
  echo "run.sh: Apache Kafka is left out, only Barnabas is measured" >&2
  options+=(--broker barnabas)
fi
exec "$bin/side-by-side" "${options[@]}" "$@"
