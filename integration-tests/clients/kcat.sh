#!/usr/bin/env bash
# kcat: what people type first. Usage: kcat.sh HOST:PORT
set -euo pipefail
bootstrap=$1
topic=kcat-$RANDOM$RANDOM

same() { # what got wanted
  [ "$2" = "$3" ] || { printf 'FAILED %s\n got: %s\nwanted: %s\n' "$1" "$2" "$3"; exit 1; }
  echo "ok $1"
}

# The first write makes the topic (auto.create.topics.enable).
printf 'a:one\nb:two\na:three\n' | kcat -q -P -b "$bootstrap" -t "$topic" -K : -H origin=shell -H origin=twice
same "keys, values, offsets, headers" \
  "$(kcat -q -C -b "$bootstrap" -t "$topic" -o beginning -e -f '%o %k=%s %h\n')" \
  "$(printf '0 a=one origin=shell,origin=twice\n1 b=two origin=shell,origin=twice\n2 a=three origin=shell,origin=twice')"
same "the last two" "$(kcat -q -C -b "$bootstrap" -t "$topic" -o -2 -e -f '%s\n')" "$(printf 'two\nthree')"
same "from offset 1, one record" "$(kcat -q -C -b "$bootstrap" -t "$topic" -p 0 -o 1 -c 1 -f '%s\n')" two

for codec in gzip snappy lz4 zstd; do
  seq 1 1000 | kcat -q -P -b "$bootstrap" -t "$topic-$codec" -z $codec
  same "$codec" "$(kcat -q -C -b "$bootstrap" -t "$topic-$codec" -o beginning -e | sha256sum)" "$(seq 1 1000 | sha256sum)"
done

printf 'key:\n' | kcat -q -P -b "$bootstrap" -t "$topic-null" -K : -Z
same "a tombstone" "$(kcat -q -C -b "$bootstrap" -t "$topic-null" -o beginning -e -f '%k %S\n')" "key -1"

last=$(kcat -q -C -b "$bootstrap" -t "$topic" -p 0 -o 2 -c 1 -f '%T')
same "offset by time" "$(kcat -q -Q -b "$bootstrap" -t "$topic:0:$((last + 1))" | tr -s ' ')" "$topic [0] offset -1"
same "offset of the beginning of time" "$(kcat -q -Q -b "$bootstrap" -t "$topic:0:1" | tr -s ' ')" "$topic [0] offset 0"
same "metadata as JSON" \
  "$(kcat -q -L -J -b "$bootstrap" -t "$topic" | python3 -c 'import json, sys
m = json.load(sys.stdin)
t = m["topics"][0]
print(t["topic"], len(t["partitions"]), t["partitions"][0]["leader"] == m["brokers"][0]["id"] == m["controllerid"])')" \
  "$topic 1 True"
