"""Strings that are not UTF-8, in every place where a client may put one."""

import struct

from . import batch, wire
from .context import case, create

LATIN = b"B\xfcro-PC"
TEXTS = {
    "latin-1": LATIN,
    "cut off": b"caf\xc3",
    "cut off, three bytes": b"x\xe2\x82",
    "overlong": b"\xc0\x80\xe0\x80\x80",
    "surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "surrogate, cut off": b"\xed\xa0",
    "beyond unicode": b"\xf4\x90\x80\x80\xf5",
    "continuations": b"\x80\xbf",
    "in between": b"a\xffb\xf0\x90\x80c",
    "valid": "größer 東京 🦀".encode(),
}


def send(connection, header_version, key, version, client_id, body):
    """A request whose header has `client_id`, bytes; returns whether there was an answer."""
    header = struct.pack(">hhih", key, version, 1, len(client_id)) + client_id + (b"\0" if header_version == 2 else b"")
    connection.send_raw(header + body)
    try:
        return struct.unpack(">i", connection.receive_raw()[:4])[0] == 1
    except wire.Closed:
        return "connection closed"


@case("text/client-ids")
def _(k):
    answers = {}
    for label, text in TEXTS.items():
        answers[label] = {
            "Metadata 1": send(k.connect(), 1, 3, 1, text, struct.pack(">i", 0)),
            "Metadata 12": send(k.connect(), 2, 3, 12, text, b"\1\0\0\0"),
            "ApiVersions 3": send(k.connect(), 2, 18, 3, text, b"\2x\2y\0"),
        }
    return answers


@case("text/group-ids")
def _(k):
    names = list(TEXTS.values())
    k.wait(lambda: k.call("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": names})["Coordinators"][0]["ErrorCode"] == 0, 60)
    return {
        "coordinators": k.call("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": names}),
        "described": {label: k.call_or_close("DescribeGroups", 4, {"Groups": [text]}) for label, text in TEXTS.items()},
        "old coordinator": k.call_or_close("FindCoordinator", 1, {"KeyType": 0, "Key": LATIN}),
        "heartbeat": k.call_or_close("Heartbeat", 4, {"GroupId": LATIN, "GenerationId": 1, "MemberId": LATIN}),
    }


@case("text/committed-metadata")
def _(k):
    group, topic = k.name("text"), k.topic("text-committed", len(TEXTS))
    rows = [{"PartitionIndex": p, "CommittedOffset": 1, "CommittedMetadata": text} for p, text in enumerate(TEXTS.values())]
    committed = k.call("OffsetCommit", 8, {"GroupId": group, "Topics": [{"Name": topic, "Partitions": rows}]})
    fetched = k.call("OffsetFetch", 8, {"Groups": [{"GroupId": group, "Topics": None}]})
    for found in fetched["Groups"]:
        for of_topic in found["Topics"]:
            of_topic["Partitions"].sort(key=lambda p: p["PartitionIndex"])
    return {"committed": committed, "fetched": fetched}


@case("text/members")
def _(k):
    group = k.name("text-members").encode() + b"\xfc"
    body = {
        "GroupId": group, "SessionTimeoutMs": 10000, "RebalanceTimeoutMs": 10000, "MemberId": "", "GroupInstanceId": LATIN,
        "ProtocolType": b"consumer\xff", "Protocols": [{"Name": LATIN, "Metadata": b""}], "Reason": LATIN,
    }
    joined = k.call("JoinGroup", 9, body)
    who = {"GroupId": group, "MemberId": joined["MemberId"], "GenerationId": joined["GenerationId"], "GroupInstanceId": LATIN}
    synced = k.call("SyncGroup", 5, {**who, "ProtocolType": b"consumer\xff", "ProtocolName": LATIN, "Assignments": []})
    described = k.call("DescribeGroups", 5, {"Groups": [group]})
    left = k.call("LeaveGroup", 4, {"GroupId": group, "Members": [{"MemberId": b"\xfc", "GroupInstanceId": LATIN}]})
    answers = {"joined": joined, "synced": synced, "described": described, "left": left}
    return hide(answers, joined["MemberId"])


def hide(value, member):
    if isinstance(value, dict):
        return {k: hide(v, member) for k, v in value.items()}
    if isinstance(value, list):
        return [hide(v, member) for v in value]
    return "<member>" if value == member and member else value


@case("text/topics")
def _(k):
    good = k.topic("text-good")
    parts = [{"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1000}]
    at = [{"PartitionIndex": 0, "Timestamp": -1}]
    data = [{"Index": 0, "Records": batch.batch([b"x"])}]
    named = create("x", validateOnly=True)
    named["Topics"][0]["Name"] = LATIN
    configured = create(k.name("text-configured"), validateOnly=True)
    configured["Topics"][0]["Configs"] = [{"Name": b"retention.ms\xfc", "Value": b"\xfc"}]
    return {
        "metadata": k.call_or_close("Metadata", 12, {"Topics": [{"Name": LATIN}], "AllowAutoTopicCreation": True})["Topics"],
        "fetch": k.call_or_close("Fetch", 12, {"MaxWaitMs": 0, "MinBytes": 0, "RackId": LATIN, "Topics": [{"Topic": LATIN, "Partitions": parts}]}),
        "offsets": k.call_or_close("ListOffsets", 8, {"ReplicaId": -1, "Topics": [{"Name": LATIN, "Partitions": at}, {"Name": good, "Partitions": at}]}),
        "produce": k.call_or_close("Produce", 9, {"Acks": -1, "TimeoutMs": 1000, "TopicData": [{"Name": LATIN, "PartitionData": data}]}),
        "create": k.call_or_close("CreateTopics", 7, named),
        "configs": k.call_or_close("CreateTopics", 7, configured),
        "delete": k.call_or_close("DeleteTopics", 6, {"Topics": [{"Name": LATIN}], "TimeoutMs": 1000}),
        "describe configs": k.call_or_close("DescribeConfigs", 4, {"Resources": [{"ResourceType": 2, "ResourceName": LATIN, "ConfigurationKeys": [LATIN]}]}),
        "software": k.connect().call("ApiVersions", 3, {"ClientSoftwareName": LATIN, "ClientSoftwareVersion": "1"})["ErrorCode"],
    }
