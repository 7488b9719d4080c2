#!/usr/bin/env bash
# What Apache Kafka's own administration tools print. Usage: java_admin_tools.sh HOST:PORT JAR-DIRECTORY
set -euo pipefail
server=(--bootstrap-server "$1")
java="java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp $2/*"
tools=org.apache.kafka.tools
set -f # the class path ends in a star that is Java's, not the shell's

prints() { # label, text that must be there, class, arguments...
  local label=$1 wanted=$2 class=$3 got
  shift 3
  got=$($java "$class" "${server[@]}" "$@" 2>&1) || true
  grep -qE -- "$wanted" <<<"$got" || { printf 'FAILED %s\nwanted: %s\n   got: %s\n' "$label" "$wanted" "$got"; exit 1; }
  echo "ok $label"
}
topic=administrated-$RANDOM$RANDOM
$java $tools.TopicCommand "${server[@]}" --create --topic $topic --partitions 1 >/dev/null
$java $tools.ProducerPerformance --topic $topic --num-records 5 --record-size 10 --throughput -1 --command-property bootstrap.servers="$1" >/dev/null

no_acls="No authorizer is configured"
prints "kafka-acls --list" "$no_acls" $tools.AclCommand --list
prints "kafka-acls --add" "$no_acls" $tools.AclCommand --add --allow-principal User:a --operation Read --topic t
prints "kafka-features describe" "metadata.version.*FinalizedVersionLevel: 4.3-IV0" $tools.FeatureCommand describe
prints "kafka-transactions list" "^TransactionalId\s+Coordinator" $tools.TransactionsCommand list
prints "kafka-transactions describe-producers" "^[0-9]+\s+0\s+-1\s+4\s+[0-9]+\s+None" \
  $tools.TransactionsCommand describe-producers --topic $topic --partition 0
prints "kafka-transactions find-hanging" "^Topic\s+Partition" $tools.TransactionsCommand find-hanging --broker-id 1
prints "a transactional producer" "no transactions yet: produce without transactional.id" \
  $tools.ProducerPerformance --topic $topic --num-records 1 --record-size 10 --throughput -1 --transactional-id x
prints "kafka-metadata-quorum --status" "^LeaderId:\s+1$" $tools.MetadataQuorumCommand describe --status
prints "kafka-metadata-quorum --status, voters" "^CurrentVoters:.*\"id\": 1,.*ETCD://" $tools.MetadataQuorumCommand describe --status
prints "kafka-metadata-quorum --replication" "^1\s.*Leader" $tools.MetadataQuorumCommand describe --replication
prints "kafka-leader-election" "Valid replica already elected for partitions" \
  $tools.LeaderElectionCommand --election-type preferred --topic $topic --partition 0
prints "kafka-reassign-partitions --list" "No partition reassignments found" $tools.reassign.ReassignPartitionsCommand --list

config() { # label, text, arguments...
  local label=$1 wanted=$2
  shift 2
  prints "kafka-configs, $label" "$wanted" kafka.admin.ConfigCommand "$@"
}
loggers=(--entity-type broker-loggers --entity-name 1)
config "loggers" "^  root=INFO " "${loggers[@]}" --describe
config "a level" "Completed updating config for broker-logger 1" "${loggers[@]}" --alter --add-config barnabas_broker.net=DEBUG
config "the new level" "^  barnabas_broker.net=DEBUG " "${loggers[@]}" --describe
config "no level of its own" "Completed updating config" "${loggers[@]}" --alter --delete-config barnabas_broker.net
config "no quotas" "no quotas yet" --entity-type users --entity-name a --alter --add-config producer_byte_rate=1000
config "no SCRAM" "keeps no SCRAM credentials" --entity-type users --entity-name a --alter --add-config "SCRAM-SHA-256=[password=x]"
for kind in users clients client-metrics; do config "$kind" "^$" --entity-type $kind --describe; done
