"""kafka-python: the same roundtrips as with librdkafka, through a client written in Python alone."""

from collections import defaultdict

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from common import CODECS, fresh, main, same, test

BULK = 20_000


def make(bootstrap, stem, partitions=1, **config):
    name = fresh(stem)
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(name, partitions, 1, topic_configs={k.replace("_", "."): v for k, v in config.items()})])
    admin.close()
    return name


def read(bootstrap, topic, count, partitions=1):
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=30_000, max_poll_records=5000)
    consumer.assign([TopicPartition(topic, p) for p in range(partitions)])
    consumer.seek_to_beginning()
    found = []
    for record in consumer:
        found.append(record)
        if len(found) == count:
            break
    ends = consumer.end_offsets(consumer.assignment())
    consumer.close()
    same((len(found), sum(ends.values())), (count, count), "records read and there")
    return found


@test
def keyed_roundtrip(bootstrap):
    topic = make(bootstrap, "py-orders", 3)
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    sent = [producer.send(topic, key=b"customer-%d" % (i % 13), value=b"%d" % i) for i in range(1000)]
    producer.flush(60)
    places = {(m.partition, m.offset) for m in (f.get(20) for f in sent)}
    producer.close()
    same(len(places), 1000, "places of acknowledged records")
    found = read(bootstrap, topic, 1000, 3)
    homes, orders = defaultdict(set), defaultdict(list)
    for record in found:
        homes[record.key].add(record.partition)
        orders[record.key].append(int(record.value))
    same({len(h) for h in homes.values()}, {1}, "partitions of each customer")
    same(all(o == sorted(o) for o in orders.values()), True, "each customer's order")


@test
def every_codec(bootstrap):
    for codec in CODECS:
        topic = make(bootstrap, f"py-{codec}")
        kind = None if codec == "none" else codec
        producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=kind, linger_ms=20, batch_size=200_000)
        values = [b"record %06d" % i for i in range(BULK)]
        for value in values:
            producer.send(topic, value)
        producer.flush(60)
        producer.close()
        found = read(bootstrap, topic, BULK)
        same([r.value for r in found] == values, True, f"{codec}: all records, in order")
        same([r.offset for r in found] == list(range(BULK)), True, f"{codec}: offsets")


@test
def headers_nulls_and_large(bootstrap):
    topic = make(bootstrap, "py-shapes")
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=2_000_000)
    headers = [("h", b"1"), ("h", b"2"), ("e", b"")]
    producer.send(topic, key=b"k", value=b"v", headers=headers, timestamp_ms=1234567)
    producer.send(topic, key=b"k", value=None)
    producer.send(topic, key=None, value=b"x" * 900_000)
    producer.flush(60)
    producer.close()
    found = read(bootstrap, topic, 3)
    same([tuple(h) for h in found[0].headers], headers, "headers")
    same((found[0].timestamp, found[0].timestamp_type), (1234567, 0), "CreateTime")
    same((found[1].key, found[1].value), (b"k", None), "a tombstone")
    same((found[2].key, len(found[2].value)), (None, 900_000), "a large record without a key")


@test
def offsets_by_time(bootstrap):
    topic = make(bootstrap, "py-times")
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for at in (1000, 2000, 3000):
        producer.send(topic, b"x", timestamp_ms=at)
    producer.flush(30)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    here = TopicPartition(topic, 0)
    found = consumer.offsets_for_times({here: 1500})[here]
    same((found.offset, found.timestamp), (1, 2000), "the first record at or after 1500")
    same(consumer.offsets_for_times({here: 9999})[here], None, "after all records")
    same((consumer.beginning_offsets([here])[here], consumer.end_offsets([here])[here]), (0, 3), "beginning and end")
    consumer.close()


@test
def subscribed_group(bootstrap):
    topic, group = make(bootstrap, "py-group", 2), fresh("py-group")
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for index in range(100):
        producer.send(topic, b"%d" % index)
    producer.flush(30)
    producer.close()
    settings = {"bootstrap_servers": bootstrap, "group_id": group, "auto_offset_reset": "earliest", "consumer_timeout_ms": 30_000}
    consumer = KafkaConsumer(topic, enable_auto_commit=False, **settings)
    found = [record for _, record in zip(range(100), consumer)]
    same(sorted(int(r.value) for r in found), list(range(100)), "everything through subscribe()")
    consumer.commit()
    same(sum(consumer.committed(TopicPartition(topic, p)) or 0 for p in (0, 1)), 100, "committed offsets")
    consumer.close()


main()
