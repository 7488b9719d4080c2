"""librdkafka through confluent-kafka: producing and consuming as an application does."""

import time
from collections import defaultdict

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from common import CODECS, fresh, main, same, test, until


def make(bootstrap, stem, partitions=1, **config):
    name = fresh(stem)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topic = NewTopic(name, partitions, 1, config={k.replace("_", "."): v for k, v in config.items()})
    admin.create_topics([topic])[name].result(20)
    return name


def produce(bootstrap, topic, rows, **config):
    """Produces (key, value[, headers]) rows; returns the delivered messages in the order of their callbacks."""
    delivered = []

    def report(error, message):
        if error:
            raise KafkaException(error)
        delivered.append(message)

    producer = Producer({"bootstrap.servers": bootstrap, **config})
    for row in rows:
        while True:
            try:
                producer.produce(topic, key=row[0], value=row[1], headers=row[2] if len(row) > 2 else None, on_delivery=report)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    same(producer.flush(60), 0, "messages left after flush")
    return delivered


def consume(bootstrap, topic, count, partitions=1, **config):
    """Reads `count` records from the beginning of every partition by assign(), and checks that no more come."""
    settings = {"bootstrap.servers": bootstrap, "group.id": fresh("reader"), "enable.partition.eof": True, **config}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
    found, ended, deadline = [], set(), time.monotonic() + 90
    while len(ended) < partitions:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(found)} of {count} records after 90 s")
        for message in consumer.consume(10000, 0.5):
            if message.error() is None:
                found.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            else:
                raise KafkaException(message.error())
    consumer.close()
    same(len(found), count, "records read")
    return found


@test
def keyed_by_customer(bootstrap):
    """Delivery callbacks; one customer's records are in one partition, in their order; subscribe() from the beginning."""
    topic = make(bootstrap, "orders", 4)
    rows = [(f"customer-{i % 97}", f"order-{i}") for i in range(5000)]
    delivered = produce(bootstrap, topic, rows)
    same(len(delivered), len(rows), "delivery callbacks")
    homes = defaultdict(set)
    for message in delivered:
        homes[message.key()].add(message.partition())
    same({len(h) for h in homes.values()}, {1}, "partitions of each customer")
    same(len({p for h in homes.values() for p in h}), 4, "partitions used")
    for partition in range(4):
        offsets = sorted(m.offset() for m in delivered if m.partition() == partition)
        same(offsets, list(range(len(offsets))), f"offsets of partition {partition}")

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": fresh("shop"), "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found, deadline = [], time.monotonic() + 60
    while len(found) < len(rows) and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            found.append(message)
    consumer.close()
    places = {(m.partition(), m.offset()): m.value() for m in delivered}
    same({(m.partition(), m.offset()): m.value() for m in found}, places, "what was read, where")
    orders = defaultdict(list)
    for message in found:
        orders[message.key()].append(int(message.value().split(b"-")[1]))
    same([k for k, o in orders.items() if o != sorted(o)], [], "customers whose orders are out of order")


@test
def hundred_thousand_of_each_codec(bootstrap):
    for codec in CODECS:
        topic = make(bootstrap, f"bulk-{codec}")
        values = [b"record %06d of a moderately compressible kind" % i for i in range(100_000)]
        producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 20})
        for value in values:
            while True:
                try:
                    producer.produce(topic, value)
                    break
                except BufferError:
                    producer.poll(0.05)
        same(producer.flush(60), 0, "messages left after flush")
        found = consume(bootstrap, topic, len(values))
        same([m.value() for m in found] == values, True, f"{codec}: all records, in order")
        same([m.offset() for m in found] == list(range(len(values))), True, f"{codec}: offsets without a hole")


@test
def headers_keys_and_nulls(bootstrap):
    topic = make(bootstrap, "shapes")
    headers = [("trace", b"1"), ("trace", b"2"), ("empty", b""), ("null", None), ("trace", b"\xff\x00")]
    rows = [
        ("k", "v", headers),
        (None, "no key"),
        ("tombstone", None),
        (None, None),
        ("", ""),
        (b"\x00\xff", b"\xfe\x00"),
        ("many", "headers", [(f"h{i}", str(i)) for i in range(200)]),
    ]
    produce(bootstrap, topic, rows)
    found = consume(bootstrap, topic, len(rows))
    same(found[0].headers(), headers, "headers, duplicates and nulls in their order")
    raw = [(r[0].encode() if isinstance(r[0], str) else r[0], r[1].encode() if isinstance(r[1], str) else r[1]) for r in rows]
    same([(m.key(), m.value()) for m in found], raw, "keys and values")
    same(len(found[6].headers()), 200, "two hundred headers")


@test
def records_of_900_kilobytes(bootstrap):
    topic = make(bootstrap, "large")
    values = [bytes([65 + i]) * 900_000 for i in range(12)]
    produce(bootstrap, topic, [(None, v) for v in values])
    found = consume(bootstrap, topic, len(values), **{"fetch.message.max.bytes": 65536})
    same([m.value() for m in found] == values, True, "large records")


@test
def timestamps(bootstrap):
    created = make(bootstrap, "created")
    producer = Producer({"bootstrap.servers": bootstrap})
    given = [1_000, 1_700_000_000_000, 1_600_000_000_000]
    for at in given:
        producer.produce(created, "x", timestamp=at)
    producer.flush(30)
    found = consume(bootstrap, created, 3)
    same([m.timestamp() for m in found], [(TIMESTAMP_CREATE_TIME, at) for at in given], "CreateTime")

    appended = make(bootstrap, "appended", message_timestamp_type="LogAppendTime")
    producer.produce(appended, "x", timestamp=1_000)
    producer.flush(30)
    kind, at = consume(bootstrap, appended, 1)[0].timestamp()
    same(kind, TIMESTAMP_LOG_APPEND_TIME, "the kind of timestamp")
    same(abs(at - time.time() * 1000) < 60_000, True, "appended about now")


@test
def acknowledgements_and_idempotence(bootstrap):
    topic = make(bootstrap, "acks")
    rows = [(None, str(i)) for i in range(1000)]
    settings = [{"acks": "1"}, {"acks": "all"}, {"enable.idempotence": True}, {"enable.idempotence": True, "compression.type": "lz4"}]
    for extra in settings:
        produce(bootstrap, topic, rows, **extra)
    produce(bootstrap, topic, rows, acks="0")
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": fresh("acks")})
    until(lambda: consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10) == (0, 5000), what="5000 records")
    consumer.close()
    values = [m.value().decode() for m in consume(bootstrap, topic, 5000)]
    for lap in range(5):
        same(values[lap * 1000 : lap * 1000 + 1000], [r[1] for r in rows], f"records of lap {lap}")


@test
def offsets_by_time_and_watermarks(bootstrap):
    topic = make(bootstrap, "times")
    producer = Producer({"bootstrap.servers": bootstrap})
    for at in (1_000, 2_000, 3_000, 4_000):
        producer.produce(topic, "x", timestamp=at)
    producer.flush(30)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": fresh("times")})
    for wanted, offset in ((0, 0), (1_000, 0), (1_001, 1), (4_000, 3), (4_001, -1)):
        found = consumer.offsets_for_times([TopicPartition(topic, 0, wanted)], timeout=20)
        same(found[0].offset, offset, f"offset for time {wanted}")
    same(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20), (0, 4), "watermarks")
    consumer.assign([TopicPartition(topic, 0, 2)])
    same(consumer.poll(20).offset(), 2, "the record at an assigned offset")
    consumer.seek(TopicPartition(topic, 0, 1))
    same(consumer.poll(20).offset(), 1, "the record after a seek")
    consumer.close()


@test
def errors_reach_the_application(bootstrap):
    small = make(bootstrap, "small", max_message_bytes="2000")
    seen = []
    producer = Producer({"bootstrap.servers": bootstrap, "message.timeout.ms": 15000})
    producer.produce(small, b"x" * 5000, on_delivery=lambda error, _: seen.append(error and error.code()))
    producer.flush(30)
    same(seen, [KafkaError.MSG_SIZE_TOO_LARGE], "a record that is too large")

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": fresh("errors"), "auto.offset.reset": "error"})
    try:
        consumer.subscribe([fresh("nowhere")])
        message = until(lambda: consumer.poll(1), what="the error of an unknown topic")
        same(message.error().code(), KafkaError.UNKNOWN_TOPIC_OR_PART, "an unknown topic")
        consumer.unsubscribe()
        consumer.assign([TopicPartition(small, 0, 77)])
        message = until(lambda: consumer.poll(1), what="the error of an offset out of range")
        same(message.error().code(), KafkaError._AUTO_OFFSET_RESET, "an offset out of range")
    finally:
        consumer.close()


@test
def transactions_are_refused_at_once(bootstrap):
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": fresh("transactional")})
    try:
        producer.init_transactions(60)
        raise AssertionError("transactions began")
    except KafkaException as refusal:
        same(refusal.args[0].code(), KafkaError.CLUSTER_AUTHORIZATION_FAILED, str(refusal))


@test
def auto_created_topic(bootstrap):
    topic = fresh("automatic")
    delivered = produce(bootstrap, topic, [("a", "b")], **{"allow.auto.create.topics": True})
    same([(m.topic(), m.offset()) for m in delivered], [(topic, 0)], "the first record of a topic that did not exist")
    same(consume(bootstrap, topic, 1)[0].value(), b"b", "read back")


@test
def committed_offsets_survive_the_consumer(bootstrap):
    topic, group = make(bootstrap, "resumed"), fresh("resuming")
    produce(bootstrap, topic, [(None, str(i)) for i in range(20)])
    settings = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    for lap in range(2):
        consumer = Consumer(settings)
        consumer.subscribe([topic])
        got = []
        until(lambda: (m := consumer.poll(0.5)) and not m.error() and (got.append(m) or len(got) == 10), 60, "ten records")
        same([int(m.value()) for m in got], list(range(lap * 10, lap * 10 + 10)), f"records of consumer {lap}")
        consumer.commit(message=got[-1], asynchronous=False)
        consumer.close()


main()
