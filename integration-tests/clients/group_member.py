"""A member of a group with librdkafka: prints the values that it gets, a line each, until it is told to stop.
Usage: group_member.py BOOTSTRAP GROUP TOPIC STRATEGY"""

import signal
import sys

from confluent_kafka import Consumer

bootstrap, group, topic, strategy = sys.argv[1:5]
running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
consumer = Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": strategy,
    }
)
consumer.subscribe([topic])
while running:
    message = consumer.poll(0.2)
    if message and not message.error():
        print(message.value().decode(), flush=True)
consumer.close()
