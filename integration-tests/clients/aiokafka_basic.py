"""aiokafka: the same roundtrips once more, from asyncio."""

import asyncio
from collections import defaultdict

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from common import CODECS, fresh, main, same, test

BULK = 20_000


async def make(bootstrap, stem, partitions=1, **config):
    name = fresh(stem)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1, topic_configs={k.replace("_", "."): v for k, v in config.items()})])
    await admin.close()
    return name


async def read(bootstrap, topic, count, partitions=1):
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, max_poll_records=5000)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, p) for p in range(partitions)])
        await consumer.seek_to_beginning()
        found = []
        while len(found) < count:
            got = await asyncio.wait_for(consumer.getmany(timeout_ms=1000), 30)
            found += [record for records in got.values() for record in records]
        ends = await consumer.end_offsets(consumer.assignment())
        same((len(found), sum(ends.values())), (count, count), "records read and there")
        return found
    finally:
        await consumer.stop()


def asynchronous(function):
    """Registers a coroutine function as a test with a deadline of its own."""

    def run(bootstrap):
        asyncio.run(asyncio.wait_for(function(bootstrap), 120))

    run.__name__ = function.__name__
    return test(run)


@asynchronous
async def keyed_roundtrip(bootstrap):
    topic = await make(bootstrap, "aio-orders", 3)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    sent = [await producer.send(topic, key=b"customer-%d" % (i % 13), value=b"%d" % i) for i in range(1000)]
    places = {(m.partition, m.offset) for m in await asyncio.gather(*sent)}
    await producer.stop()
    same(len(places), 1000, "places of acknowledged records")
    homes, orders = defaultdict(set), defaultdict(list)
    for record in await read(bootstrap, topic, 1000, 3):
        homes[record.key].add(record.partition)
        orders[record.key].append(int(record.value))
    same({len(h) for h in homes.values()}, {1}, "partitions of each customer")
    same(all(o == sorted(o) for o in orders.values()), True, "each customer's order")


@asynchronous
async def every_codec(bootstrap):
    for codec in CODECS:
        topic = await make(bootstrap, f"aio-{codec}")
        kind = None if codec == "none" else codec
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=kind, linger_ms=20, max_batch_size=200_000)
        await producer.start()
        values = [b"record %06d" % i for i in range(BULK)]
        for value in values:
            await producer.send(topic, value)
        await producer.stop()
        found = await read(bootstrap, topic, BULK)
        same([r.value for r in found] == values, True, f"{codec}: all records, in order")
        same([r.offset for r in found] == list(range(BULK)), True, f"{codec}: offsets")


@asynchronous
async def idempotent_producer(bootstrap):
    topic = await make(bootstrap, "aio-idempotent")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    for lap in range(20):
        await asyncio.gather(*[await producer.send(topic, b"%d" % (lap * 50 + i)) for i in range(50)])
    await producer.stop()
    same([int(r.value) for r in await read(bootstrap, topic, 1000)], list(range(1000)), "records, once and in order")


@asynchronous
async def headers_nulls_and_large(bootstrap):
    topic = await make(bootstrap, "aio-shapes")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=2_000_000)
    await producer.start()
    headers = [("h", b"1"), ("h", b"2"), ("e", b"")]
    await producer.send_and_wait(topic, key=b"k", value=b"v", headers=headers, timestamp_ms=1234567)
    await producer.send_and_wait(topic, key=b"k", value=None)
    await producer.send_and_wait(topic, key=None, value=b"x" * 900_000)
    await producer.stop()
    found = await read(bootstrap, topic, 3)
    same([tuple(h) for h in found[0].headers], headers, "headers")
    same((found[0].timestamp, found[0].timestamp_type), (1234567, 0), "CreateTime")
    same((found[1].key, found[1].value), (b"k", None), "a tombstone")
    same((found[2].key, len(found[2].value)), (None, 900_000), "a large record without a key")


@asynchronous
async def subscribed_group(bootstrap):
    topic, group = await make(bootstrap, "aio-group", 2), fresh("aio-group")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for index in range(100):
        await producer.send_and_wait(topic, b"%d" % index)
    await producer.stop()
    settings = {"bootstrap_servers": bootstrap, "group_id": group, "auto_offset_reset": "earliest"}
    consumer = AIOKafkaConsumer(topic, enable_auto_commit=False, **settings)
    await consumer.start()
    found = [await asyncio.wait_for(consumer.getone(), 30) for _ in range(100)]
    same(sorted(int(r.value) for r in found), list(range(100)), "everything through subscribe()")
    await consumer.commit()
    committed = [await consumer.committed(TopicPartition(topic, p)) or 0 for p in (0, 1)]
    same(sum(committed), 100, "committed offsets")
    await consumer.stop()


main()
