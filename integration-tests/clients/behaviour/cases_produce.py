"""Produce: what is appended, what is refused and how, and the idempotent producer's sequences."""

import time

from . import wire
from .batch import GZIP, LZ4, SNAPPY, ZSTD, batch
from .context import case, fetch, produce


def answer(part):
    """A partition's answer, with the time of a LogAppendTime append made comparable."""
    if part.get("LogAppendTimeMs", -1) > 0:
        part["LogAppendTimeMs"] = "<now>" if abs(part["LogAppendTimeMs"] - time.time() * 1000) < 60000 else "<wrong>"
    return part


@case("produce/offsets-count-up")
def _(k):
    name = k.topic("counting")
    return [answer(k.produce(name, batch([b"a"] * n))) for n in (1, 3, 2)] + [k.offset(name, -1)["Offset"]]


@case("produce/unknown-places")
def _(k):
    name = k.topic("places", 2)
    one = batch([b"x"])
    return {
        "unknown partition": answer(k.produce(name, one, partition=2)),
        "negative partition": answer(k.produce(name, one, partition=-1)),
        "unknown topic": answer(k.produce(k.name("nowhere"), one)),
        "bad topic name": answer(k.produce("a/b", one)),
        "still empty": k.offset(name, -1)["Offset"],
    }


@case("produce/no-time-for-other-replicas")
def _(k):
    """A leader alone waits for nobody, and its own log takes its time."""
    name = k.topic("no-time", 3)
    large = {"Records": batch([b"x" * 600000])}
    data = [{"Index": 0, **large}, {"Index": 1, **large}, {"Index": 7, **large}]
    body = {"Acks": -1, "TimeoutMs": 0, "TopicData": [{"Name": name, "PartitionData": data}]}
    parts = [k.call("Produce", 9, body)["Responses"][0]["PartitionResponses"] for _ in range(5)]
    return [[answer(part) for part in sorted(request, key=lambda part: part["Index"])] for request in parts]


@case("produce/broken-batches")
def _(k):
    name = k.topic("broken")
    good = batch([b"x", b"y"])
    broken = {
        "bad crc": batch([b"x"], crc=12345),
        "flipped byte": good[:-1] + bytes([good[-1] ^ 1]),
        "magic 1": batch([b"x"], magic=1),
        "magic 0": batch([b"x"], magic=0),
        "magic 3": batch([b"x"], magic=3),
        "count too high": batch([b"x"], count=2, last_delta=1),
        "count too low": batch([b"x", b"y"], count=1, last_delta=0),
        "count zero": batch([], count=0, last_delta=0),
        "count negative": batch([b"x"], count=-1),
        "last delta wrong": batch([b"x", b"y"], last_delta=5),
        "last delta negative": batch([b"x"], last_delta=-1),
        "length too short": batch([b"x"], length=10),
        "length too long": batch([b"x"], length=10_000),
        "length negative": batch([b"x"], length=-1),
        "length huge": batch([b"x"], length=0x7FFFFFFF),
        "half a batch": good[: len(good) // 2],
        "empty": b"",
        "null": None,
        "two batches": good + good,
        "a batch and a half": good + good[:30],
        "control batch": batch([b"x"], attributes=0x20),
        "transactional without a producer": batch([b"x"], attributes=0x10),
        "base offset not zero": batch([b"x"], base_offset=77),
        "unknown codec": batch([b"x"], attributes=5),
        "codec 7": batch([b"x"], attributes=7),
        "not gzip at all": batch([b"x"], GZIP, body=b"not gzip at all"),
        "not snappy at all": batch([b"x"], SNAPPY, body=b"not snappy at all"),
        "not lz4 at all": batch([b"x"], LZ4, body=b"not lz4 at all"),
        "not zstd at all": batch([b"x"], ZSTD, body=b"not zstd at all"),
        "record body cut": batch([b"x"], body=b"\x20\0\0\0"),
    }
    answers = {}
    for label, records in broken.items():
        before = k.offset(name, -1)["Offset"]
        got = k.call_or_close("Produce", 9, produce(name, records))
        if isinstance(got, dict):
            part = got["Responses"][0]["PartitionResponses"][0]
            part["BaseOffset"] = part["BaseOffset"] - before if part["BaseOffset"] >= 0 else part["BaseOffset"]
            got = answer(part)
        answers[label] = got
        answers[label + ", appended"] = k.offset(name, -1)["Offset"] - before
    return answers


@case("produce/codecs")
def _(k):
    name = k.topic("codecs")
    answers = {str(codec): answer(k.produce(name, batch([b"x" * 100] * 3, codec))) for codec in (GZIP, SNAPPY, LZ4, ZSTD)}
    answers["stored as sent"] = k.call("Fetch", 12, fetch(name, 0))["Responses"]
    return answers


@case("produce/zstd-below-version-7")
def _(k):
    return answer(k.produce(k.topic("old-zstd"), batch([b"x"], ZSTD), version=6))


@case("produce/too-large")
def _(k):
    name = k.topic("small", configs={"max.message.bytes": "1000"})
    answers = {str(size): answer(k.produce(name, batch([b"x" * size]))) for size in (100, 2000)}
    answers["default limit"] = answer(k.produce(k.topic("normal"), batch([b"x" * 1_100_000])))
    two = batch([b"x" * 600])
    answers["two batches within the limit each"] = answer(k.produce(name, two + two))
    return answers


@case("produce/acks")
def _(k):
    name = k.topic("acks")
    answers = {}
    for acks in (1, -1, 2, -2):
        try:
            sent = produce(name, batch([b"x"]), acks=acks)
            answers[str(acks)] = answer(k.connect().call("Produce", 9, sent)["Responses"][0]["PartitionResponses"][0])
        except wire.Closed:
            answers[str(acks)] = "connection closed"
    silent = k.connect()
    silent.send("Produce", 9, produce(name, batch([b"x"]), acks=0))
    answers["0, then the next answer on that connection"] = silent.call("ListOffsets", 8, {"ReplicaId": -1, "Topics": []})
    k.wait(lambda: k.offset(name, -1)["Offset"] == 3)
    refused = k.connect()
    refused.send("Produce", 9, produce(name, batch([b"x"], crc=1), acks=0))
    try:
        answers["0, refused"] = refused.call("ListOffsets", 8, {"ReplicaId": -1, "Topics": []})
    except wire.Closed:
        answers["0, refused"] = "connection closed"
    return answers


@case("produce/several-partitions")
def _(k):
    name = k.topic("several", 2)
    good, bad = batch([b"x"]), batch([b"x"], crc=1)
    rows = [{"Index": 0, "Records": good}, {"Index": 1, "Records": bad}, {"Index": 9, "Records": good}]
    body = {"Acks": -1, "TimeoutMs": 5000, "TopicData": [{"Name": name, "PartitionData": rows}]}
    responses = k.call("Produce", 9, body)["Responses"]
    for topic in responses:
        topic["PartitionResponses"].sort(key=lambda p: p["Index"])
    return responses


@case("produce/partition-twice")
def _(k):
    name = k.topic("partition-twice")
    rows = [{"Index": 0, "Records": batch([b"x"])}] * 2
    body = {"Acks": -1, "TimeoutMs": 5000, "TopicData": [{"Name": name, "PartitionData": rows}]}
    return {"answer": k.call_or_close("Produce", 9, body), "end": k.offset(name, -1)["Offset"]}


@case("produce/min-insync-replicas")
def _(k):
    name = k.topic("insync", configs={"min.insync.replicas": "2"})
    return {str(acks): answer(k.produce(name, batch([b"x"]), acks=acks)) for acks in (1, -1)}


@case("produce/log-append-time")
def _(k):
    name = k.topic("append-time", configs={"message.timestamp.type": "LogAppendTime"})
    answers = [answer(k.produce(name, batch([b"x", b"y"], codec, timestamp=1000))) for codec in (0, LZ4)]
    return {"answers": answers, "stored": k.call("Fetch", 12, fetch(name, 0))["Responses"]}


@case("produce/timestamps-out-of-bounds")
def _(k):
    hour = 3_600_000
    limits = {"message.timestamp.before.max.ms": str(hour), "message.timestamp.after.max.ms": str(hour)}
    bounded, free = k.topic("bounded", configs=limits), k.topic("unbounded")
    now = int(time.time() * 1000)
    answers = {}
    for label, at in {"now": now, "old": now - 2 * hour, "future": now + 2 * hour, "none": -1, "negative": -5}.items():
        answers[label] = {
            "bounded": answer(k.produce(bounded, batch([b"x"], timestamp=at))),
            "by default": answer(k.produce(free, batch([b"x"], timestamp=at))),
        }
    mixed = batch([b"x", b"y"], timestamps=[now, now + 2 * hour])
    answers["one of two"] = answer(k.produce(bounded, mixed))
    return answers


@case("produce/compacted-topic-needs-keys")
def _(k):
    name = k.topic("compacted", configs={"cleanup.policy": "compact"})
    return {
        "key": answer(k.produce(name, batch([(b"k", b"v")]))),
        "null key": answer(k.produce(name, batch([b"v"]))),
        "null key, compressed": answer(k.produce(name, batch([b"v"], LZ4))),
        "one null key of three": answer(k.produce(name, batch([(b"k", b"v"), b"v", (b"k", None)]))),
        "tombstone": answer(k.produce(name, batch([(b"k", None)]))),
        "end": k.offset(name, -1)["Offset"],
    }


def compressed_by_topic(wanted):
    @case("produce/topic-compression-" + wanted)
    def _(k):
        name = k.topic("compress-" + wanted, configs={"compression.type": wanted})
        return [answer(k.produce(name, batch([b"x" * 50], LZ4))), k.call("Fetch", 12, fetch(name, 0))["Responses"]]


for wanted in ("producer", "gzip", "uncompressed"):
    compressed_by_topic(wanted)


@case("produce/internal-topics")
def _(k):
    return k.call("Produce", 9, produce("__consumer_offsets", batch([b"x"])))["Responses"]


@case("idempotence/sequences")
def _(k):
    name = k.topic("sequenced")
    given = k.call("InitProducerId", 4, {"TransactionalId": None, "TransactionTimeoutMs": 60000})
    pid, epoch = given["ProducerId"], given["ProducerEpoch"]
    answers = {"given": dict(given)}

    def send(label, sequence, count=2, **fields):
        own = {"producer_id": pid, "producer_epoch": epoch, "sequence": sequence, **fields}
        answers[label] = answer(k.produce(name, batch([b"x"] * count, **own)))

    send("first", 0)
    send("second", 2)
    send("second again", 2)
    send("first again", 0)
    send("gap", 6)
    send("in the middle", 1)
    send("third", 4)
    for index in range(4):
        send(f"number {4 + index}", 6 + 2 * index)
    send("a duplicate older than the last five", 0)
    send("the fifth last again", 4)
    send("a longer batch at a known sequence", 4, count=3)
    send("older epoch", 14, producer_epoch=epoch - 1)
    send("newer epoch, not from zero", 14, producer_epoch=epoch + 1)
    send("newer epoch, from zero", 0, producer_epoch=epoch + 1)
    send("the old epoch again", 14)
    answers["end"] = k.offset(name, -1)["Offset"]
    return answers


@case("idempotence/unknown-producer")
def _(k):
    name = k.topic("strangers")
    return {
        "from zero": answer(k.produce(name, batch([b"x"], producer_id=987654, producer_epoch=0, sequence=0))),
        "not from zero": answer(k.produce(name, batch([b"x"], producer_id=987655, producer_epoch=3, sequence=40))),
        "negative sequence": answer(k.produce(name, batch([b"x"], producer_id=987656, producer_epoch=0, sequence=-2))),
        "no epoch": k.call_or_close("Produce", 9, produce(name, batch([b"x"], producer_id=987657, producer_epoch=-1, sequence=0))),
    }


@case("idempotence/several-batches-in-one-request")
def _(k):
    """A record set with a producer id must be one batch."""
    name = k.topic("two-at-once")
    rows = [batch([b"x"], producer_id=4242, producer_epoch=0, sequence=n) for n in (0, 1)]
    return answer(k.produce(name, rows[0] + rows[1]))


@case("idempotence/sequence-wraps")
def _(k):
    name = k.topic("wrapping")
    top = 0x7FFFFFFF
    own = {"producer_id": 515151, "producer_epoch": 0}
    return [answer(k.produce(name, batch([b"x"] * n, sequence=s, **own))) for s, n in ((top - 1, 1), (top, 2), (1, 1), (0, 1))]


@case("init-producer-id/shapes")
def _(k):
    first = k.call("InitProducerId", 4, {"TransactionalId": None, "TransactionTimeoutMs": 60000})
    second = k.call("InitProducerId", 4, {"TransactionalId": None, "TransactionTimeoutMs": 60000})
    bumped = {"TransactionalId": None, "TransactionTimeoutMs": 0, "ProducerId": first["ProducerId"], "ProducerEpoch": 0}
    return {
        "ids differ": first["ProducerId"] != second["ProducerId"],
        "first": first,
        "with an id and epoch": k.call("InitProducerId", 4, bumped),
        "empty transactional id": k.call("InitProducerId", 4, {"TransactionalId": "", "TransactionTimeoutMs": 60000}),
    }
