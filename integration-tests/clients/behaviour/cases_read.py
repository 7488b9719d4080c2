"""Fetch, ListOffsets, OffsetForLeaderEpoch: what is read, from where, and how it is refused."""

import uuid

from . import wire
from .batch import LZ4, batch
from .context import case, fetch


def read(k, topic, offset, version=12, **rest):
    return k.call("Fetch", version, fetch(topic, offset, **rest))


@case("fetch/positions")
def _(k):
    name = k.fill("positions", 5)
    answers = {str(at): read(k, name, at) for at in (0, 3, 5, 6, -1, -2)}
    answers["unknown partition"] = read(k, name, 0, partition=4)
    answers["unknown topic"] = read(k, k.name("nowhere"), 0)
    return answers


@case("fetch/below-the-log-start")
def _(k):
    name = k.fill("start-moved", 5)
    rows = [{"PartitionIndex": 0, "Offset": 3}]
    k.call("DeleteRecords", 2, {"Topics": [{"Name": name, "Partitions": rows}], "TimeoutMs": 5000})
    return {"below": read(k, name, 2), "at": read(k, name, 3)}


@case("fetch/from-the-middle-of-a-batch")
def _(k):
    name = k.topic("middle")
    k.produce(name, batch([b"a"] * 4))
    k.produce(name, batch([b"b"] * 4, LZ4))
    return {str(at): read(k, name, at) for at in (2, 5, 7)}


@case("fetch/size-limits")
def _(k):
    name = k.topic("sizes")
    for _ in range(4):
        k.produce(name, batch([b"x" * 1000]))
    return {
        "one byte still gives a batch": read(k, name, 0, limit=1),
        "two batches": read(k, name, 0, limit=2200),
        "request limit": read(k, name, 0, MaxBytes=1),
        "zero": read(k, name, 0, limit=0),
    }


@case("fetch/only-the-first-partition-may-exceed-the-limit")
def _(k):
    name = k.topic("two-sizes", 2)
    for partition in (0, 1):
        k.produce(name, batch([b"x" * 1000]), partition=partition)
    parts = [{"Partition": p, "FetchOffset": 0, "PartitionMaxBytes": 1 << 20} for p in (0, 1)]
    body = {"MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 500, "Topics": [{"Topic": name, "Partitions": parts}]}
    return k.call("Fetch", 12, body)


@case("fetch/waits")
def _(k):
    import time

    name = k.fill("waiting", 1)
    start = time.monotonic()
    empty = read(k, name, 1, MaxWaitMs=600, MinBytes=1)
    waited = time.monotonic() - start
    other = k.connect()
    other.send("Fetch", 12, fetch(name, 1, MaxWaitMs=20000, MinBytes=1))
    k.produce(name, batch([b"woken"]))
    start = time.monotonic()
    woken = other.receive("Fetch", 12)
    answers = {"nothing came": empty, "waited": 0.5 < waited < 5, "woken": woken}
    answers["woken at once"] = time.monotonic() - start < 5
    start = time.monotonic()
    answers["an error does not wait"] = read(k, name, 99, MaxWaitMs=20000, MinBytes=1)
    answers["error at once"] = time.monotonic() - start < 5
    return answers


@case("fetch/does-not-wait-before-a-backlog")
def _(k):
    import time

    name = k.topic("backlog", 2)
    for partition in (0, 1):
        for _ in range(5):
            k.produce(name, batch([b"x" * 1000]), partition=partition)
    parts = [{"Partition": p, "FetchOffset": 0, "PartitionMaxBytes": 2500} for p in (0, 1)]

    def at_once(**rest):
        start = time.monotonic()
        k.call("Fetch", 12, {"MaxWaitMs": 8000, "Topics": [{"Topic": name, "Partitions": parts}], **rest})
        return time.monotonic() - start < 4

    return {
        "as much as two partitions may give": at_once(MinBytes=5000, MaxBytes=1 << 20),
        "more than the answer may have": at_once(MinBytes=1 << 30, MaxBytes=1000),
        "more than there is": at_once(MinBytes=100000, MaxBytes=1 << 20),
    }


@case("fetch/topic-ids")
def _(k):
    name = k.fill("by-id", 2)

    def by_id(topic, version=16):
        parts = [{"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1 << 20}]
        return k.call("Fetch", version, {"MaxWaitMs": 0, "MinBytes": 0, "Topics": [{"TopicId": topic, "Partitions": parts}]})

    return {
        "known": by_id(k.topic_id(name)),
        "unknown": by_id(uuid.UUID(int=12345)),
        "zero": by_id(uuid.UUID(int=0)),
        "version 13": by_id(k.topic_id(name), 13),
        "version 17": by_id(k.topic_id(name), 17),
    }


@case("fetch/leader-epochs")
def _(k):
    name = k.fill("epochs", 2)
    answers = {f"current {e}": read(k, name, 0, CurrentLeaderEpoch=e) for e in (-1, 0, 7)}
    answers["last fetched 0"] = read(k, name, 1, LastFetchedEpoch=0)
    answers["last fetched 7"] = read(k, name, 1, LastFetchedEpoch=7)
    return answers


@case("fetch/read-committed")
def _(k):
    name = k.fill("committed", 2)
    return {str(level): read(k, name, 0, IsolationLevel=level) for level in (0, 1)}


@case("fetch/sessions")
def _(k):
    name = k.fill("session", 2)
    connection = k.connect()

    def step(session, epoch, topics=None, forgotten=()):
        body = fetch(name, 0, SessionId=session, SessionEpoch=epoch, ForgottenTopicsData=list(forgotten))
        if topics is not None:
            body["Topics"] = topics
        return connection.call("Fetch", 12, body)

    first = step(0, 0)
    session = first["SessionId"]
    answers = {"opened": dict(first), "incremental, nothing new": step(session, 1, [])}
    moved = [{"Topic": name, "Partitions": [{"Partition": 0, "FetchOffset": 2, "PartitionMaxBytes": 1 << 20}]}]
    answers["moved to the end"] = step(session, 2, moved)
    k.produce(name, batch([b"new"]))
    answers["new record"] = step(session, 3, [])
    answers["wrong epoch"] = step(session, 9, [])
    answers["unknown session"] = step(123456, 1, [])
    answers["forgotten"] = step(session, 4, [], [{"Topic": name, "Partitions": [0]}])
    answers["closed"] = step(session, -1)
    answers["after it closed"] = step(session, 5, [])
    answers["no session wanted"] = step(0, -1)
    return answers


@case("fetch/sessions-by-name-and-by-id")
def _(k):
    name = k.fill("crossed", 2)
    parts = [{"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1 << 20}]
    topics = {12: [{"Topic": name, "Partitions": parts}], 13: [{"TopicId": k.topic_id(name), "Partitions": parts}]}
    connection = k.connect()

    def step(version, session, epoch, topics=()):
        body = {"MaxWaitMs": 0, "MinBytes": 0, "SessionId": session, "SessionEpoch": epoch, "Topics": list(topics)}
        return connection.call("Fetch", version, body)

    answers = {}
    for opened, crossed in ((12, 13), (13, 12)):
        session = step(opened, 0, 0, topics[opened])["SessionId"]
        answers[f"{opened} to {crossed}"] = step(crossed, session, 1)
        answers[f"{opened} to {crossed}, with topics"] = step(crossed, session, 1, topics[crossed])
        answers[f"{opened} to {crossed}, wrong epoch"] = step(crossed, session, 7)
        answers[f"{opened} again"] = step(opened, session, 1)
    return answers


@case("fetch/same-partition-twice")
def _(k):
    name = k.fill("fetched-twice", 1)
    body = fetch(name, 0)
    body["Topics"] *= 2
    return k.call_or_close("Fetch", 12, body)


@case("fetch/nothing")
def _(k):
    return k.call("Fetch", 12, {"MaxWaitMs": 0, "MinBytes": 0, "Topics": []})


@case("list-offsets/special-timestamps")
def _(k):
    name = k.topic("times")
    for at in (1000, 3000, 2000):
        k.produce(name, batch([b"x"], timestamp=at))
    answers = {}
    for version, times in ((6, (-1, -2, -3)), (7, (-1, -2, -3, -4)), (8, (-1, -2, -3, -4, -5)), (9, (-4, -5, -6)), (10, (-3, -5, -7))):
        for at in times:
            answers[f"{at} in version {version}"] = k.offset(name, at, version=version)
    return answers


@case("list-offsets/by-time")
def _(k):
    name = k.topic("by-time")
    for stamps in ([1000, 2000], [5000, 3000, 4000], [6000]):
        k.produce(name, batch([b"x"] * len(stamps), timestamps=stamps, max_timestamp=max(stamps)))
    k.produce(name, batch([b"x"] * 3, LZ4, timestamps=[7000, 8000, 9000]))
    return {str(at): k.offset(name, at) for at in (0, 1000, 1001, 2500, 3500, 5000, 5500, 6000, 7500, 9000, 9001, 10**15)}


@case("list-offsets/by-time-of-append")
def _(k):
    name = k.topic("by-append-time", configs={"message.timestamp.type": "LogAppendTime"})
    for stamps in ([1000, 2000], [3000]):
        k.produce(name, batch([b"x"] * len(stamps), timestamps=stamps, max_timestamp=max(stamps)))

    def ask(at):
        found = k.offset(name, at)
        return {**found, "Timestamp": found["Timestamp"] if found["Timestamp"] < 10_000 else "<later>"}

    return {str(at): ask(at) for at in (0, 1500, 5000, 10**15)}


@case("list-offsets/of-an-empty-partition")
def _(k):
    name = k.topic("empty")
    return {str(at): k.offset(name, at) for at in (-1, -2, -3, -4, -5, 0, 1000)}


@case("list-offsets/errors")
def _(k):
    name = k.topic("offsets", 1)

    def ask(**own):
        part = {"PartitionIndex": 0, "Timestamp": -1, **own}
        body = {"ReplicaId": -1, "Topics": [{"Name": own.pop("topic", name), "Partitions": [part]}]}
        part.pop("topic", None)
        return k.call("ListOffsets", 8, body)["Topics"][0]["Partitions"][0]

    return {
        "unknown partition": ask(PartitionIndex=5),
        "unknown topic": ask(topic=k.name("nowhere")),
        "epoch 0": ask(CurrentLeaderEpoch=0),
        "epoch too new": ask(CurrentLeaderEpoch=9),
    }


@case("list-offsets/partition-twice")
def _(k):
    name = k.topic("offset-twice")
    part = {"PartitionIndex": 0, "Timestamp": -1}
    return k.call("ListOffsets", 8, {"ReplicaId": -1, "Topics": [{"Name": name, "Partitions": [part, part]}]})["Topics"]


@case("list-offsets/read-committed")
def _(k):
    name = k.fill("committed-end", 3)
    body = {"ReplicaId": -1, "IsolationLevel": 1, "Topics": [{"Name": name, "Partitions": [{"PartitionIndex": 0, "Timestamp": -1}]}]}
    return k.call("ListOffsets", 8, body)["Topics"]


@case("offset-for-leader-epoch")
def _(k):
    name = k.fill("epoch-ends", 3)

    def ask(epoch, current=-1, topic=name, partition=0, version=4):
        rows = [{"Partition": partition, "CurrentLeaderEpoch": current, "LeaderEpoch": epoch}]
        body = {"ReplicaId": -1, "Topics": [{"Topic": topic, "Partitions": rows}]}
        if version < 3:
            body.pop("ReplicaId")
        return k.call("OffsetForLeaderEpoch", version, body)["Topics"][0]["Partitions"][0]

    answers = {f"epoch {e}": ask(e) for e in (0, 1, 5, -1)}
    answers["current 0"] = ask(0, 0)
    answers["current too new"] = ask(0, 5)
    answers["unknown partition"] = ask(0, partition=9)
    answers["unknown topic"] = ask(0, topic=k.name("nowhere"))
    answers["version 2"] = ask(0, version=2)
    return answers


@case("fetch/pipelined-answers-keep-their-order")
def _(k):
    name = k.fill("ordered", 1)
    connection = k.connect()
    connection.send("Fetch", 12, fetch(name, 1, MaxWaitMs=700, MinBytes=1))
    waiting = connection.correlation
    connection.send("Metadata", 12, {"Topics": []})
    order = []
    for _ in range(2):
        order.append(wire.Reader(connection.receive_raw(), 0, False).fixed("int32") - waiting)
    return order
