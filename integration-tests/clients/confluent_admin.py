"""librdkafka's admin client through confluent-kafka: topics, partitions, configs, offsets, the cluster."""

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from common import fresh, main, same, test, until


def client(bootstrap):
    return AdminClient({"bootstrap.servers": bootstrap})


def result(futures):
    """The only result of a call about one thing, or its KafkaError's code."""
    (future,) = futures.values()
    try:
        return future.result(20)
    except KafkaException as error:
        return error.args[0].code()


def entry(admin, topic, key):
    return result(admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))[key]


def settled(admin, topic, key, value):
    """Kafka's brokers learn of a change some time after the answer that it was made."""

    def seen():
        found = result(admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))
        return found != KafkaError.UNKNOWN_TOPIC_OR_PART and found[key].value == value

    until(seen, what=f"{key}={value}")


def fill(bootstrap, topic, count):
    producer = Producer({"bootstrap.servers": bootstrap})
    for index in range(count):
        producer.produce(topic, str(index), partition=0, timestamp=1000 * (index + 1))
    same(producer.flush(30), 0, "messages left")


@test
def topics(bootstrap):
    admin, name = client(bootstrap), fresh("admin")
    created = admin.create_topics([NewTopic(name, 3, 1, config={"retention.ms": "3600000"})], operation_timeout=10)
    same(result(created), None, "creation")
    same(result(admin.create_topics([NewTopic(name, 3, 1)])), KafkaError.TOPIC_ALREADY_EXISTS, "creation again")
    same(result(admin.create_topics([NewTopic("a/b", 1, 1)])), KafkaError.TOPIC_EXCEPTION, "a bad name")
    same(result(admin.create_topics([NewTopic(fresh("rf"), 1, 5)])), KafkaError.INVALID_REPLICATION_FACTOR, "five replicas")
    dry = fresh("dry")
    same(result(admin.create_topics([NewTopic(dry, 1, 1)], validate_only=True)), None, "validation only")
    same(dry in admin.list_topics(timeout=20).topics, False, "the topic that was only validated")

    described = result(admin.describe_topics(TopicCollection([name])))
    same((described.name, len(described.partitions), described.is_internal), (name, 3, False), "description")
    same([len(p.isr) for p in described.partitions], [1, 1, 1], "replicas in sync")
    listed = admin.list_topics(name, timeout=20).topics[name]
    same(sorted(listed.partitions), [0, 1, 2], "partitions in the metadata")

    same(result(admin.create_partitions([NewPartitions(name, 5)])), None, "more partitions")
    until(lambda: len(admin.list_topics(name, timeout=20).topics[name].partitions) == 5, what="five partitions")
    same(result(admin.create_partitions([NewPartitions(name, 2)])), KafkaError.INVALID_PARTITIONS, "fewer partitions")

    same(result(admin.delete_topics([name], operation_timeout=10)), None, "deletion")
    until(lambda: name not in admin.list_topics(timeout=20).topics, what="the topic's end")
    same(result(admin.delete_topics([name])), KafkaError.UNKNOWN_TOPIC_OR_PART, "deletion again")


@test
def configs(bootstrap):
    admin, name = client(bootstrap), fresh("configured")
    same(result(admin.create_topics([NewTopic(name, 1, 1, config={"segment.ms": "600000"})])), None, "creation")
    settled(admin, name, "segment.ms", "600000")
    same(entry(admin, name, "segment.ms").source, ConfigSource.DYNAMIC_TOPIC_CONFIG.value, "source of a set config")
    shown = entry(admin, name, "retention.ms")
    same((shown.value, shown.is_default), ("604800000", True), "a default")

    def incremental(key, operation, value=None):
        changes = [ConfigEntry(key, value, incremental_operation=operation)]
        return result(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, name, incremental_configs=changes)]))

    same(incremental("retention.ms", AlterConfigOpType.SET, "1234567"), None, "set")
    settled(admin, name, "retention.ms", "1234567")
    same(entry(admin, name, "segment.ms").value, "600000", "a config that was not named")
    throttled = "leader.replication.throttled.replicas"
    same(incremental(throttled, AlterConfigOpType.SET, "0:1"), None, "set a list")
    same(incremental(throttled, AlterConfigOpType.APPEND, "0:2"), None, "append")
    settled(admin, name, throttled, "0:1,0:2")
    same(incremental(throttled, AlterConfigOpType.SUBTRACT, "0:1"), None, "subtract")
    settled(admin, name, throttled, "0:2")
    same(incremental("retention.ms", AlterConfigOpType.DELETE), None, "delete")
    settled(admin, name, "retention.ms", "604800000")
    same(incremental("retention.ms", AlterConfigOpType.SET, "soon"), KafkaError.INVALID_CONFIG, "an invalid value")
    same(incremental("no.such", AlterConfigOpType.SET, "1"), KafkaError.INVALID_CONFIG, "an unknown config")

    whole = ConfigResource(ResourceType.TOPIC, name, set_config={"max.message.bytes": "5000"})
    same(result(admin.alter_configs([whole])), None, "the old call, which replaces all")
    settled(admin, name, "max.message.bytes", "5000")
    settled(admin, name, "segment.ms", "604800000")


@test
def broker_configs(bootstrap):
    admin = client(bootstrap)
    broker = next(iter(admin.list_topics(timeout=20).brokers))
    found = result(admin.describe_configs([ConfigResource(ResourceType.BROKER, str(broker))]))
    for key in ("num.partitions", "log.retention.ms", "message.max.bytes", "auto.create.topics.enable", "listeners"):
        same(key in found, True, f"{key} among the broker's configs")
    same(found["num.partitions"].is_read_only, True, "num.partitions is read-only")


@test
def cluster(bootstrap):
    admin = client(bootstrap)
    described = admin.describe_cluster().result(20)
    same(len(described.nodes), 1, "brokers")
    same(bool(described.cluster_id), True, "a cluster id")
    same(described.controller.id, described.nodes[0].id, "the controller")
    metadata = admin.list_topics(timeout=20)
    same((metadata.cluster_id, metadata.controller_id), (described.cluster_id, described.controller.id), "the same in Metadata")


@test
def offsets_and_delete_records(bootstrap):
    admin, name = client(bootstrap), fresh("trimmed")
    same(result(admin.create_topics([NewTopic(name, 1, 1)])), None, "creation")
    fill(bootstrap, name, 10)
    here = TopicPartition(name, 0)

    def listed(spec):
        found = result(admin.list_offsets({here: spec}))
        return found.offset if not isinstance(found, int) else f"error {found}"

    specs = (OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.max_timestamp(), OffsetSpec.for_timestamp(2500))
    same([listed(s) for s in specs], [0, 10, 9, 2], "offsets of a full log")
    same(result(admin.delete_records([TopicPartition(name, 0, 4)])).low_watermark, 4, "records deleted up to 4")
    same([listed(s) for s in specs], [4, 10, 9, 4], "offsets afterwards")
    same(result(admin.delete_records([TopicPartition(name, 0, 40)])), KafkaError.OFFSET_OUT_OF_RANGE, "beyond the end")

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": fresh("g"), "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(name, 0, 0)])
    same(until(lambda: consumer.poll(1), what="a record").offset(), 4, "the first record left")
    consumer.close()


@test
def group_offsets(bootstrap):
    admin, name, group = client(bootstrap), fresh("grouped"), fresh("group")
    same(result(admin.create_topics([NewTopic(name, 2, 1)])), None, "creation")
    fill(bootstrap, name, 5)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    done = consumer.commit(offsets=[TopicPartition(name, 0, 3, "note"), TopicPartition(name, 1, 0)], asynchronous=False)
    same([(p.offset, p.error) for p in done], [(3, None), (0, None)], "the commit")
    found = consumer.committed([TopicPartition(name, 0), TopicPartition(name, 1)], timeout=20)
    same([(p.partition, p.offset, p.metadata) for p in found], [(0, 3, "note"), (1, 0, None)], "what a consumer reads")
    consumer.close()
    listed = result(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    same(sorted((p.topic, p.partition, p.offset) for p in listed.topic_partitions), [(name, 0, 3), (name, 1, 0)], "what an admin reads")


main()
