"""Metadata, ApiVersions, coordinators, and the versions of everything."""

import struct
import uuid

from . import wire
from .batch import batch
from .context import case, create, fetch, produce


def brokerless(answer):
    """A Metadata answer without what only names this very cluster."""
    return answer


def metadata(k, topics, version=12, **rest):
    rows = topics if topics is None else [t if isinstance(t, dict) else {"Name": t} for t in topics]
    return k.call("Metadata", version, {"Topics": rows, "AllowAutoTopicCreation": False, **rest})


@case("metadata/known-topic")
def _(k):
    return metadata(k, [k.topic("known", 3)])


@case("metadata/no-topics")
def _(k):
    return metadata(k, [])


@case("metadata/all-topics")
def _(k):
    name = k.topic("listed")
    seen = metadata(k, None)["Topics"]
    return {"listed": name in [t["Name"] for t in seen], "errors": sorted({t["ErrorCode"] for t in seen})}


@case("metadata/unknown")
def _(k):
    return {
        "name": metadata(k, [k.name("nowhere")])["Topics"],
        "bad name": metadata(k, ["a/b"])["Topics"],
        "empty name": metadata(k, [""])["Topics"],
        "id": metadata(k, [{"Name": None, "TopicId": uuid.UUID(int=99)}])["Topics"],
        "a known and an unknown": sorted(t["ErrorCode"] for t in metadata(k, [k.topic("here"), k.name("nowhere")])["Topics"]),
    }


@case("metadata/by-id")
def _(k):
    name = k.topic("asked-by-id")
    return metadata(k, [{"Name": None, "TopicId": k.topic_id(name)}])["Topics"]


@case("metadata/names-before-version-12")
def _(k):
    name = k.topic("needs-a-name")
    rows = {"null": {"Name": None}, "id": {"Name": None, "TopicId": k.topic_id(name)}, "name and id": {"Name": name, "TopicId": k.topic_id(name)}}
    answers = {f"{label} in {v}": metadata(k, [row], v) for v in (10, 11) for label, row in rows.items()}
    answers["with another"] = metadata(k, [name, {"Name": None}], 10)
    return answers


@case("metadata/topic-twice")
def _(k):
    name = k.topic("asked-twice")
    return len(metadata(k, [name, name])["Topics"])


@case("metadata/auto-creation")
def _(k):
    name, bad = k.name("automatic"), "not/valid"
    first = k.call("Metadata", 12, {"Topics": [{"Name": name}], "AllowAutoTopicCreation": True})["Topics"]
    k.wait(lambda: metadata(k, [name])["Topics"][0]["ErrorCode"] == 0)
    refused = k.call("Metadata", 12, {"Topics": [{"Name": bad}], "AllowAutoTopicCreation": True})["Topics"]
    return {"first": first[0]["ErrorCode"] in (3, 5), "then": metadata(k, [name])["Topics"], "bad name": refused}


@case("describe-topic-partitions")
def _(k):
    first, second = k.topic("page-a", 3), k.topic("page-b", 2)

    def page(limit, cursor=None, topics=(first, second)):
        body = {"Topics": [{"Name": t} for t in topics], "ResponsePartitionLimit": limit, "Cursor": cursor}
        return k.call("DescribeTopicPartitions", 0, body)

    answers = {"all": page(100), "two": page(2)}
    answers["next two"] = page(2, answers["two"]["NextCursor"])
    answers["unknown"] = page(10, topics=[k.name("nowhere")])
    answers["bad name"] = page(10, topics=["a/b"])
    return answers


@case("api-versions/versions")
def _(k):
    answers = {}
    for version in (0, 1, 2, 3, 4):
        body = {"ClientSoftwareName": "behaviour", "ClientSoftwareVersion": "1"} if version > 2 else {}
        answer = k.connect().call("ApiVersions", version, body)
        answers[str(version)] = {"ErrorCode": answer["ErrorCode"], "any": len(answer["ApiKeys"]) > 20}
    return answers


@case("api-versions/ranges")
def _(k):
    names = {wire.schema(n)["apiKey"]: n.removesuffix("Request") for n in request_schemas()}
    answer = k.connect().call("ApiVersions", 3, {"ClientSoftwareName": "behaviour", "ClientSoftwareVersion": "1"})
    rows = {names.get(r["ApiKey"], f"key {r['ApiKey']}"): f"{r['MinVersion']}-{r['MaxVersion']}" for r in answer["ApiKeys"]}
    return dict(sorted(rows.items()))


def request_schemas():
    import importlib.resources

    folder = importlib.resources.files("kafka.protocol.schemas") / "resources"
    return [f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith("Request.json")]


@case("api-versions/unknown-version")
def _(k):
    connection = k.connect()
    connection.send_raw(struct.pack(">hhih", 18, 99, 7, -1) + b"\0\2x\2y\0")
    reader = wire.Reader(connection.receive_raw(), 0, False)
    answer = {"correlation": reader.fixed("int32"), "ErrorCode": reader.fixed("int16")}
    rows = [tuple(reader.fixed("int16") for _ in range(3)) for _ in range(reader.fixed("int32"))]
    answer["keys"] = [r for r in rows if r[0] == 18]
    answer["left over"] = len(reader.raw) - reader.at
    later = connection.call("ApiVersions", 3, {"ClientSoftwareName": "x", "ClientSoftwareVersion": "1"})
    answer["the connection lives on"] = later["ErrorCode"] == 0
    return answer


@case("api-versions/bad-client-name")
def _(k):
    answer = k.connect().call("ApiVersions", 3, {"ClientSoftwareName": "bad name!", "ClientSoftwareVersion": ""})
    return answer["ErrorCode"]


HOSTILE = {
    "unknown api key": struct.pack(">hhih", 999, 0, 1, -1),
    "negative api key": struct.pack(">hhih", -1, 0, 1, -1),
    "produce version 99": struct.pack(">hhih", 0, 99, 1, -1),
    "metadata version 99": struct.pack(">hhih", 3, 99, 1, -1),
    "fetch version 0": struct.pack(">hhih", 1, 0, 1, -1),
    "produce version 2": struct.pack(">hhih", 0, 2, 1, -1),
    "header cut": struct.pack(">hh", 3, 1),
    "empty frame": b"",
    "body missing": struct.pack(">hhih", 3, 1, 1, -1),
    "array of two thousand million": struct.pack(">hhihi", 3, 1, 1, -1, 0x7FFFFFFF),
    "client id longer than the frame": struct.pack(">hhih", 3, 1, 1, 30000),
}


@case("hostile-frames")
def _(k):
    answers = {}
    for label, payload in HOSTILE.items():
        connection = k.connect()
        connection.send_raw(payload)
        answers[label] = outcome(connection)
    for label, size in {"negative length": -5, "length beyond the limit": 0x7FFFFFFF}.items():
        connection = k.connect()
        connection.socket.sendall(struct.pack(">i", size) + b"xxxxxxxx")
        answers[label] = outcome(connection)
    answers["others are served"] = metadata(k, [])["Brokers"] != []
    return answers


def outcome(connection):
    try:
        return f"answered, {len(connection.receive_raw())} bytes"
    except wire.Closed:
        return "connection closed"


def transaction(k, version, key):
    """Kafka makes its topic of transactions first."""
    def ask():
        found = k.call("FindCoordinator", version, {"KeyType": 1, **key})
        return found.get("Coordinators", [found])[0]["ErrorCode"], found

    k.wait(lambda: ask()[0] != 15, 60)
    return ask()[1]


@case("find-coordinator")
def _(k):
    k.wait(lambda: k.call("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": ["warm"]})["Coordinators"][0]["ErrorCode"] == 0, 60)
    return {
        "group": k.call("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": ["a", "b"]}),
        "old form": k.call("FindCoordinator", 3, {"Key": "a", "KeyType": 0}),
        "empty group": k.call("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": [""]}),
        "unknown type": k.call_or_close("FindCoordinator", 4, {"KeyType": 7, "CoordinatorKeys": ["a"]}),
        "no keys": k.call("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": []}),
        "transaction": transaction(k, 4, {"CoordinatorKeys": ["t"]})["Coordinators"][0],
        "transaction, old form": transaction(k, 3, {"Key": "t"}),
    }


@case("group-offsets/commit-and-fetch-without-members")
def _(k):
    name, group = k.topic("committed-to", 2), k.name("lone")
    k.wait(lambda: k.call("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": [group]})["Coordinators"][0]["ErrorCode"] == 0, 60)

    def commit(partition, offset, topic=name, **own):
        rows = [{"PartitionIndex": partition, "CommittedOffset": offset, "CommittedMetadata": own.pop("metadata", "m")}]
        body = {"GroupId": own.pop("group", group), "GenerationIdOrMemberEpoch": -1, "Topics": [{"Name": topic, "Partitions": rows}], **own}
        return k.call("OffsetCommit", 8, body)["Topics"]

    def committed(topics):
        body = {"Groups": [{"GroupId": group, "Topics": topics}], "RequireStable": True}
        found = k.call("OffsetFetch", 8, body)["Groups"]
        for entry in found:
            entry["Topics"].sort(key=lambda t: t["Name"])
        return found

    return {
        "commit": commit(0, 7),
        "unknown partition": commit(9, 7),
        "unknown topic": commit(0, 7, k.name("nowhere")),
        "long metadata": commit(0, 8, metadata="x" * 5000),
        "null metadata": commit(1, 3, metadata=None),
        "empty group": commit(0, 7, group=""),
        "unknown member": commit(0, 9, MemberId="nobody"),
        "stale generation": commit(0, 9, GenerationIdOrMemberEpoch=5),
        "fetched": committed([{"Name": name, "PartitionIndexes": [0, 1, 5]}]),
        "all": committed(None),
    }


def sweep(k, name):
    """A good request of each API in each version of Kafka's range that Barnabas means to serve."""
    at = [{"PartitionIndex": 0, "Timestamp": -2}]
    part = {"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1 << 20}
    ident = k.topic_id(name)
    yield "Produce", range(3, 13), lambda v: produce(name, batch([b"x"], timestamp=5))
    yield "ListOffsets", range(1, 11), lambda v: {"ReplicaId": -1, "Topics": [{"Name": name, "Partitions": at}]}
    yield "Fetch", range(4, 18), lambda v: {
        "MaxWaitMs": 0,
        "MaxBytes": 100,
        "Topics": [{"Topic": name, "Partitions": [part]} if v < 13 else {"TopicId": ident, "Partitions": [part]}],
    }
    yield "Metadata", range(0, 14), lambda v: {"Topics": [{"Name": name}]}
    yield "CreateTopics", range(2, 8), lambda v: create(name)
    yield "DeleteTopics", range(1, 6), lambda v: {"TopicNames": [k.name("nowhere")], "TimeoutMs": 100}
    yield "CreatePartitions", range(0, 4), lambda v: {"Topics": [{"Name": name, "Count": 1, "Assignments": None}], "TimeoutMs": 100}
    yield "DeleteRecords", range(0, 3), lambda v: {
        "Topics": [{"Name": name, "Partitions": [{"PartitionIndex": 0, "Offset": 0}]}],
        "TimeoutMs": 100,
    }
    yield "DescribeConfigs", range(1, 5), lambda v: {
        "Resources": [{"ResourceType": 2, "ResourceName": name, "ConfigurationKeys": ["retention.ms"]}],
        "IncludeSynonyms": True,
    }
    yield "AlterConfigs", range(0, 3), lambda v: {"Resources": [{"ResourceType": 2, "ResourceName": name, "Configs": []}]}
    yield "IncrementalAlterConfigs", range(0, 2), lambda v: {"Resources": [{"ResourceType": 2, "ResourceName": name, "Configs": []}]}
    yield "DescribeCluster", range(0, 3), lambda v: {}
    yield "OffsetForLeaderEpoch", range(2, 5), lambda v: {
        "Topics": [{"Topic": name, "Partitions": [{"Partition": 0, "CurrentLeaderEpoch": -1, "LeaderEpoch": 0}]}]
    }
    yield "InitProducerId", range(0, 6), lambda v: {"TransactionalId": None, "TransactionTimeoutMs": 60000}
    yield "FindCoordinator", range(0, 7), lambda v: {"Key": "g"} if v < 4 else {"CoordinatorKeys": ["g"]}
    yield "DescribeTopicPartitions", range(0, 1), lambda v: {"Topics": [{"Name": name}], "Cursor": None}


@case("every-version")
def _(k):
    name = k.topic("versions")
    k.wait(lambda: k.call("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": ["g"]})["Coordinators"][0]["ErrorCode"] == 0, 60)
    answers = {}
    for api, versions, body in sweep(k, name):
        for version in versions:
            answer = k.call_or_close(api, version, body(version))
            for topic in answer.get("Topics", []) if api == "CreateTopics" and isinstance(answer, dict) else []:
                topic.pop("Configs", None)
            answers[f"{api} {version}"] = answer
    return answers
