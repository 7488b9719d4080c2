"""Fetch sessions (KIP-227): how they begin, change and end, and topics that are deleted and created again under them."""

import uuid

from .batch import batch
from .context import case, create


class Session:
    """A session by name (version 12) or by id (13 and later)."""

    def __init__(self, k, version=12):
        self.k, self.version, self.connection, self.id = k, version, k.connect(), 0

    def row(self, topic, partitions):
        key = "TopicId" if self.version >= 13 else "Topic"
        return {key: topic, "Partitions": partitions}

    def step(self, epoch, topics=(), forgotten=(), session=None):
        """`topics`: (topic, {partition: offset}); `forgotten`: (topic, [partition])."""
        rows = [
            self.row(t, [{"Partition": p, "FetchOffset": at, "PartitionMaxBytes": 1 << 20} for p, at in parts.items()])
            for t, parts in topics
        ]
        gone = [self.row(t, list(parts)) for t, parts in forgotten]
        body = {
            "MaxWaitMs": 0, "MinBytes": 0, "SessionId": self.id if session is None else session, "SessionEpoch": epoch,
            "Topics": rows, "ForgottenTopicsData": gone,
        }
        answer = self.connection.call("Fetch", self.version, body)
        if epoch == 0:
            self.id = answer["SessionId"]
        return answer


def brief(answer):
    """Which partitions are told, and how far they are."""
    rows = [
        {"topic": t.get("Topic") or t["TopicId"], "partition": p["PartitionIndex"], "ErrorCode": p["ErrorCode"], "end": p["HighWatermark"]}
        for t in answer["Responses"]
        for p in t["Partitions"]
    ]
    rows.sort(key=lambda r: (r["partition"], r["ErrorCode"], r["end"]))  # Kafka puts errors last
    return {"ErrorCode": answer["ErrorCode"], "SessionId": answer["SessionId"], "partitions": rows}


@case("fetch-sessions/empty-full-request")
def _(k):
    name = k.fill("later-added", 2)
    answers = {}
    for version, topic in ((12, name), (13, k.topic_id(name))):
        s = Session(k, version)
        answers[f"{version}, opened"] = brief(s.step(0))
        answers[f"{version}, added"] = brief(s.step(1, [(topic, {0: 0})]))
        answers[f"{version}, forgotten"] = brief(s.step(2, [], [(topic, [0])]))
        answers[f"{version}, after that"] = brief(s.step(3, [(topic, {0: 0})]))
        s = Session(k, version)
        answers[f"{version}, opened again"] = brief(s.step(0))
        answers[f"{version}, still empty"] = brief(s.step(1))
        answers[f"{version}, closed by that"] = brief(s.step(2, [(topic, {0: 0})]))
        s = Session(k, version)
        s.step(0, [(topic, {0: 0})])
        answers[f"{version}, full again without partitions"] = brief(s.step(0))
        answers[f"{version}, the new one"] = brief(s.step(1, [(topic, {0: 0})]))
    return answers


@case("fetch-sessions/final-epoch")
def _(k):
    name = k.fill("final", 2)
    s = Session(k)
    answers = {"without a session": brief(s.step(-1, [(name, {0: 0})])), "without partitions": brief(s.step(-1))}
    s.step(0, [(name, {0: 0})])
    answers["closed with partitions"] = brief(s.step(-1, [(name, {0: 0})]))
    answers["closed twice"] = brief(s.step(-1, [(name, {0: 0})]))
    answers["closed twice, without partitions"] = brief(s.step(-1))
    answers["full with the id of nobody"] = brief(s.step(0, [(name, {0: 0})], session=4711))
    return answers


@case("fetch-sessions/added-and-forgotten-at-once")
def _(k):
    name, other = k.fill("both", 2), k.fill("other", 1)
    s = Session(k)
    s.step(0, [(other, {0: 0})])
    answers = {"both": brief(s.step(1, [(name, {0: 0})], [(name, [0])])), "after": brief(s.step(2))}
    answers["unknown forgotten"] = brief(s.step(3, [(name, {0: 0})], [(other, [7]), (k.name("nowhere"), [0])]))
    k.produce(name, batch([b"x"]))
    answers["both are there"] = brief(s.step(4, [(other, {0: 1})]))
    answers["one moved and forgotten"] = brief(s.step(5, [(other, {0: 0})], [(other, [0])]))
    answers["the other is there"] = brief(s.step(6))
    answers["the last moved and forgotten"] = brief(s.step(7, [(name, {0: 0})], [(name, [0])]))
    answers["closed by that"] = brief(s.step(8))
    return answers


@case("fetch-sessions/full-request-forgets")
def _(k):
    name = k.fill("full", 1)
    s = Session(k)
    answers = {"opened": brief(s.step(0, [(name, {0: 0})], [(name, [0])]))}
    answers["next"] = brief(s.step(1, [(name, {0: 0})]))
    return answers


@case("fetch-sessions/unknown-topics")
def _(k):
    name = k.fill("known", 1)
    answers = {}
    for version, topic, unknown in ((12, name, k.name("nowhere")), (13, k.topic_id(name), uuid.UUID(int=77))):
        s = Session(k, version)
        answers[f"{version}, opened"] = brief(s.step(0, [(topic, {0: 0, 9: 0}), (unknown, {0: 0})]))
        answers[f"{version}, next"] = brief(s.step(1))
        answers[f"{version}, once more"] = brief(s.step(2, [(topic, {0: 1})]))
    return answers


@case("fetch-sessions/deleted-topic")
def _(k):
    answers = {}
    for version in (12, 13):
        name, kept = k.fill(f"deleted-{version}", 2), k.fill(f"kept-{version}", 1)
        keys = [name, kept] if version == 12 else [k.topic_id(name), k.topic_id(kept)]
        s = Session(k, version)
        s.step(0, [(keys[0], {0: 0}), (keys[1], {0: 0})])
        delete(k, name)
        answers[f"{version}, deleted"] = brief(s.step(1))
        answers[f"{version}, once more"] = brief(s.step(2, [(keys[1], {0: 1})]))
        answers[f"{version}, asked for"] = brief(s.step(3, [(keys[0], {0: 0})]))
        answers[f"{version}, without a session"] = brief(Session(k, version).step(-1, [(keys[0], {0: 0})]))
    return answers


@case("fetch-sessions/topic-created-again")
def _(k):
    answers = {}
    for version in (12, 13):
        name, kept = k.fill(f"again-{version}", 2), k.fill(f"beside-{version}", 1)
        keys = [name, kept] if version == 12 else [k.topic_id(name), k.topic_id(kept)]
        s = Session(k, version)
        s.step(0, [(keys[0], {0: 0}), (keys[1], {0: 0})])
        delete(k, name)
        k.topic(f"again-{version}")
        k.produce(name, batch([b"new"]))
        new = name if version == 12 else k.topic_id(name)
        answers[f"{version}, created again"] = brief(s.step(1))
        answers[f"{version}, once more"] = brief(s.step(2, [(keys[1], {0: 1})]))
        answers[f"{version}, both"] = brief(s.step(3, [(new, {0: 0})]))
        answers[f"{version}, replaced"] = brief(s.step(4, [(new, {0: 0})], [(keys[0], [0])]))
        answers[f"{version}, without a session"] = brief(Session(k, version).step(-1, [(keys[0], {0: 0})]))
    return answers


def delete(k, name):
    k.call("DeleteTopics", 6, {"Topics": [{"Name": name}], "TimeoutMs": 10000})
    k.wait(lambda: k.call("Metadata", 12, {"Topics": [{"Name": name}], "AllowAutoTopicCreation": False})["Topics"][0]["ErrorCode"] == 3)
    k.wait(lambda: k.offset(name, -1)["ErrorCode"] == 3)
