"""Single steps and recorded loads for the fault tests; every operation becomes a line of a history.

    load.py create HOST:PORT TOPIC PARTITIONS [KEY=VALUE...]
    load.py roundtrip HOST:PORT TOPIC              one record, acks=all, read back from its offset
    load.py produce HOST:PORT TOPIC HISTORY PROCESS idempotent|acks1
    load.py read HOST:PORT TOPIC PARTITIONS HISTORY PROCESS
    load.py epochs HOST:PORT TOPIC                 the leader epoch of each record of partition 0
    load.py idempotent HOST:PORT TOPIC             one record of an idempotent producer

`produce` sends numbered records until SIGTERM, prints `acknowledged N` as it goes, and writes its history at the end,
in the order of sending. With `idempotent` librdkafka retries for two minutes and must never have to give up for good;
with `acks1` it never retries, so that nothing may be there twice.
"""

import json
import signal
import sys
import time
from collections import Counter

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

SETTINGS = {
    "idempotent": {"enable.idempotence": True, "message.timeout.ms": 120_000},
    "acks1": {"acks": "1", "retries": 0, "message.timeout.ms": 20_000},
}
EVERYWHERE = {"reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 500, "log_level": 2}
RECORDS_PER_SECOND = 4000
# What says for sure that the broker did not append: everything else may be there.
REFUSED = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.INVALID_RECORD}


def create(bootstrap, topic, partitions, *configs):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = NewTopic(topic, int(partitions), 1, config=dict(c.split("=", 1) for c in configs))
    admin.create_topics([wanted], request_timeout=10)[topic].result(15)


def roundtrip(bootstrap, topic):
    places = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "message.timeout.ms": 5000, **EVERYWHERE})
    producer.produce(topic, b"roundtrip", partition=0, on_delivery=lambda error, message: places.append((error, message)))
    producer.flush(10)
    if not places or places[0][0]:
        raise SystemExit(f"not produced: {places}")
    offset = places[0][1].offset()
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "roundtrip", "enable.auto.commit": False, **EVERYWHERE})
    consumer.assign([TopicPartition(topic, 0, offset)])
    message = consumer.poll(10)
    if message is None or message.error() or message.offset() != offset:
        raise SystemExit(f"not read: {message and message.error()}")


def epochs(bootstrap, topic):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "epochs", "enable.auto.commit": False, **EVERYWHERE})
    partition = TopicPartition(topic, 0)
    first, end = consumer.get_watermark_offsets(partition, timeout=20)
    consumer.assign([TopicPartition(topic, 0, first)])
    found, next_offset = [], first
    while next_offset < end:
        message = consumer.poll(10)
        if message is None or message.error():
            raise SystemExit(f"not read: {message and message.error()}")
        found.append(message.leader_epoch())
        next_offset = message.offset() + 1
    print(*found)


def idempotent(bootstrap, topic):
    settings = {"enable.idempotence": True, "message.timeout.ms": 30_000, **EVERYWHERE}
    producer = Producer({"bootstrap.servers": bootstrap, **settings})
    errors = []
    producer.produce(topic, b"idempotent", on_delivery=lambda error, _: errors.append(error))
    producer.flush(40)
    if errors != [None]:
        raise SystemExit(f"not produced: {errors}")


def produce(bootstrap, topic, history, process, mode):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 2, "queue.buffering.max.messages": 20_000, **SETTINGS[mode], **EVERYWHERE})
    partitions = len(producer.list_topics(topic, timeout=20).topics[topic].partitions)
    ops, acknowledged, errors, fatal = {}, 0, Counter(), []

    def report(value, error, message):
        nonlocal acknowledged
        op = ops[value]
        if error is None:
            op.update(outcome="ok", offset=message.offset())
            acknowledged += 1
            if acknowledged % 200 == 0:
                print(f"acknowledged {acknowledged}", flush=True)
        else:
            errors[str(error)] += 1
            if error.fatal():
                fatal.append(error)
            op.update(outcome="fail" if error.code() in REFUSED else "info")

    start, count = time.monotonic(), 0
    while not stopped:
        value = int(process) * 1_000_000_000 + count
        ops[value] = {"f": "send", "process": int(process), "partition": count % partitions, "value": value, "outcome": "info"}
        try:
            deliver = lambda error, message, value=value: report(value, error, message)  # noqa: E731
            producer.produce(topic, str(value), partition=count % partitions, on_delivery=deliver)
            count += 1
        except BufferError:
            del ops[value]
        producer.poll(max(0, start + count / RECORDS_PER_SECOND - time.monotonic()))
    left = producer.flush(100)
    with open(history, "w") as out:
        for op in ops.values():
            out.write(json.dumps(op) + "\n")
    print(f"acknowledged {acknowledged} of {count}, {left} left, errors: {dict(errors)}", flush=True)
    if fatal:
        raise SystemExit(f"the producer had to give up: {fatal[0]}")


def read(bootstrap, topic, partitions, history, process):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "read", "enable.auto.commit": False, "enable.partition.eof": True, **EVERYWHERE})
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(int(partitions))])
    ended, deadline = set(), time.monotonic() + 90
    with open(history, "w") as out:
        out.write(json.dumps({"f": "assign", "process": int(process)}) + "\n")
        while len(ended) < int(partitions):
            if time.monotonic() > deadline:
                raise SystemExit("the end was not reached")
            records = []
            for message in consumer.consume(10_000, 0.5):
                if message.error() is None:
                    records.append((message.partition(), message.offset(), int(message.value())))
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
                else:
                    raise KafkaException(message.error())
            if records:
                out.write(json.dumps({"f": "poll", "process": int(process), "records": records}) + "\n")


if __name__ == "__main__":
    {"create": create, "roundtrip": roundtrip, "produce": produce, "read": read, "epochs": epochs, "idempotent": idempotent}[sys.argv[1]](*sys.argv[2:])
