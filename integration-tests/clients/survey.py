"""Records that can be recognised, and what of them a consumer can have when files are damaged.

    survey.py fill HOST:PORT TOPIC PARTITIONS COUNT       COUNT records of 1 KiB in each partition, all acknowledged
    survey.py survey HOST:PORT TOPIC PARTITIONS           prints one JSON object

`survey` reads every partition from its beginning to its end. A record that is not what was written at its offset
counts as wrong. After an error it tries higher offsets until one can be read.
"""

import json
import random
import sys
import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

QUIET = {"reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 500, "log_level": 2}
STEP = 20
SECONDS = 60


def content(partition, offset):
    return b"%d:%d:" % (partition, offset) + random.Random(partition * 1_000_003 + offset).randbytes(1000)


def fill(bootstrap, topic, partitions, count):
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "batch.size": 32_768, **QUIET})
    failed = []
    for offset in range(int(count)):
        for partition in range(int(partitions)):
            value = content(partition, offset)
            report = lambda error, message, offset=offset: (error or message.offset() != offset) and failed.append(error)  # noqa: E731
            producer.produce(topic, value, partition=partition, on_delivery=report)
        producer.poll(0)
    if producer.flush(60) or failed:
        raise SystemExit(f"not all were produced: {failed[:3]}")


def survey(bootstrap, topic, partitions):
    found = {"read": 0, "wrong": 0, "errors": {}, "missing": {}}
    settings = {"bootstrap.servers": bootstrap, "group.id": "survey", "enable.auto.commit": False, "check.crcs": False}
    consumer = Consumer({**settings, "fetch.error.backoff.ms": 20, "auto.offset.reset": "error", **QUIET})
    for partition in range(int(partitions)):
        survey_partition(consumer, topic, partition, found)
    consumer.close()
    print(json.dumps(found))


def survey_partition(consumer, topic, partition, found):
    start, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=20)
    position, deadline = start, time.monotonic() + SECONDS
    consumer.assign([TopicPartition(topic, partition, position)])
    while position < end:
        if time.monotonic() > deadline:
            raise SystemExit(f"no end of partition {partition} after {position}")
        message = consumer.poll(5)
        if message is None:
            continue
        if message.error() is None:
            found["missing"][partition] = found["missing"].get(partition, 0) + message.offset() - position
            found["wrong"] += message.value() != content(partition, message.offset())
            found["read"] += 1
            position = message.offset() + 1
        elif message.error().code() != KafkaError._PARTITION_EOF:
            name = message.error().name()
            found["errors"][name] = found["errors"].get(name, 0) + 1
            skipped = min(position + STEP, end)
            found["missing"][partition] = found["missing"].get(partition, 0) + skipped - position
            position = skipped
            consumer.assign([TopicPartition(topic, partition, position)])


if __name__ == "__main__":
    {"fill": fill, "survey": survey}[sys.argv[1]](*sys.argv[2:])
