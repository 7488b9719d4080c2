#!/usr/bin/env bash
# kafka-topics, kafka-console-producer and kafka-console-consumer as the documentation types them. Runs Kafka's own, or
# whatever the variables TOPICS, PRODUCER and CONSUMER name: both must pass.
# Usage: TOPICS=… PRODUCER=… CONSUMER=… [PRODUCER_AT=--broker-list] console_tools.sh HOST:PORT
set -euo pipefail
server=(--bootstrap-server "$1")
producer_at=(${PRODUCER_AT:---bootstrap-server} "$1")
topic=tools-$RANDOM$RANDOM
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

topics() { $TOPICS "${server[@]}" "$@" 2>"$errors"; }
produce() { $PRODUCER "${producer_at[@]}" "$@" >/dev/null 2>"$errors"; }
# Kafka 4 warns on standard output that --property will get another name.
consume() { timeout 60 $CONSUMER "${server[@]}" "$@" 2>"$errors" | sed '/--property is deprecated/d'; }

same() { # what got wanted
  [ "$2" = "$3" ] || { printf 'FAILED %s\n got: %s\nwanted: %s\nerrors: %s\n' "$1" "$2" "$3" "$(cat "$errors")"; exit 1; }
  echo "ok $1"
}
refused() { # what pattern command...
  local what=$1 pattern=$2 out
  shift 2
  if out=$("$@"); then printf 'FAILED %s: exit code 0\n%s\n' "$what" "$out"; exit 1; fi
  grep -qi -- "$pattern" <<<"$out$(cat "$errors")" || { printf 'FAILED %s: no "%s" in\n%s\n%s\n' "$what" "$pattern" "$out" "$(cat "$errors")"; exit 1; }
  echo "ok $what"
}

same "create" "$(topics --create --topic $topic --partitions 3 --replication-factor 1 --config retention.ms=3600000)" "Created topic $topic."
refused "create again" "Topic '$topic' already exists" topics --create --topic $topic --partitions 3 --replication-factor 1
same "create --if-not-exists" "$(topics --create --if-not-exists --topic $topic; echo $?)" 0
same "list" "$(topics --list | grep -x $topic)" $topic
# What follows Configs: depends on the broker's own settings; Elr is shown by brokers that keep it.
same "describe" "$(topics --describe --topic $topic | sed -E 's/(TopicId: )[^\t]+/\1ID/; s/(Configs: ).*(retention.ms=[0-9]+).*/\1\2/; s/\tElr:.*//; s/(Leader|Replicas|Isr): [0-9]+/\1: N/g; s/[ \t]+$//')" \
  "$(printf 'Topic: %s\tTopicId: ID\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: retention.ms=3600000' $topic
     for p in 0 1 2; do printf '\n\tTopic: %s\tPartition: %s\tLeader: N\tReplicas: N\tIsr: N' $topic $p; done)"
refused "describe an unknown topic" "Topic 'nowhere' does not exist as expected" topics --describe --topic nowhere

printf 'k1:a\nk2:b\nk1:c\n' | produce --topic $topic --property parse.key=true --property key.separator=:
same "consume from the beginning" "$(consume --topic $topic --from-beginning --max-messages 3 --property print.key=true | sort)" \
  "$(printf 'k1\ta\nk1\tc\nk2\tb')"
grep -q "Processed a total of 3 messages" "$errors" || { echo "FAILED no count at the end"; cat "$errors"; exit 1; }
same "consume one partition from an offset" \
  "$(consume --topic $topic --partition 2 --offset 1 --max-messages 1 --property print.partition=true --property print.offset=true)" \
  "$(printf 'Partition:2\tOffset:1\tc')"
printf 'plain\n' | produce --topic $topic-auto
same "a topic made by the first write" "$(consume --topic $topic-auto --from-beginning --max-messages 1)" plain

topics --alter --topic $topic --partitions 5
same "more partitions" "$(topics --describe --topic $topic | grep -c Partition:)" 5
refused "fewer partitions" "would not be an increase" topics --alter --topic $topic --partitions 2
same "delete" "$(topics --delete --topic $topic; echo $?)" 0
refused "delete again" "Topic '$topic' does not exist as expected" topics --delete --topic $topic
same "list afterwards" "$(topics --list | grep -cx $topic || true)" 0
