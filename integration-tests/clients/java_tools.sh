#!/usr/bin/env bash
# Apache Kafka's own Java tools. Usage: java_tools.sh HOST:PORT JAR-DIRECTORY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
server=(--bootstrap-server "$1")
java="java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp $2/*"
tools=org.apache.kafka.tools

set -f # the class path ends in a star that is Java's, not the shell's
TOPICS="$java $tools.TopicCommand" PRODUCER="$java $tools.ConsoleProducer" CONSUMER="$java $tools.consumer.ConsoleConsumer" \
  bash -f "$here/console_tools.sh" "$1"

topic=java-$RANDOM$RANDOM
same() { # what got wanted
  [ "$2" = "$3" ] || { printf 'FAILED %s\n got: %s\nwanted: %s\n' "$1" "$2" "$3"; exit 1; }
  echo "ok $1"
}
$java $tools.TopicCommand "${server[@]}" --create --topic $topic --partitions 1 >/dev/null

same "ProducerPerformance" "$($java $tools.ProducerPerformance --topic $topic --num-records 50000 --record-size 100 --throughput -1 \
  --command-property bootstrap.servers="$1" compression.type=lz4 | grep -o '^50000 records sent')" "50000 records sent"
same "GetOffsetShell, latest" "$($java $tools.GetOffsetShell "${server[@]}" --topic $topic --time -1)" "$topic:0:50000"
same "GetOffsetShell, earliest" "$($java $tools.GetOffsetShell "${server[@]}" --topic $topic --time -2)" "$topic:0:0"
same "ConsumerPerformance" "$($java $tools.ConsumerPerformance "${server[@]}" --topic $topic --num-records 50000 --hide-header | cut -d, -f5)" " 50000"

config() { $java kafka.admin.ConfigCommand "${server[@]}" --entity-type topics --entity-name $topic "$@"; }
same "ConfigCommand --alter" "$(config --alter --add-config max.message.bytes=5000,retention.ms=777000)" "Completed updating config for topic $topic."
same "ConfigCommand --describe" "$(config --describe | grep -o ' max.message.bytes=5000 .*DYNAMIC_TOPIC_CONFIG:max.message.bytes=5000')" \
  " max.message.bytes=5000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=5000"
same "ConfigCommand --delete-config" "$(config --alter --delete-config max.message.bytes)" "Completed updating config for topic $topic."
same "what is left" "$(config --describe | grep -oE '(max.message.bytes|retention.ms)=[0-9]+ ')" "retention.ms=777000 "
same "every config" "$(config --describe --all | grep -oE '^  cleanup.policy=[a-z]+')" "  cleanup.policy=delete"
