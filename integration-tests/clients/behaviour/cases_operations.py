"""What administration tools ask: features, reassignments, elections, the quorum, producers, transactions, loggers."""

import struct

from . import wire
from .batch import batch
from .context import case, create

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
INTERNAL = ["__consumer_offsets", "__transaction_state", "__share_group_state"]
RAFT = "__cluster_metadata"


def me(k):
    return k.call("Metadata", 12, {"Topics": []})["Brokers"][0]["NodeId"]


@case("internal-topics/metadata")
def _(k):
    def ask(name, version=12, auto=True):
        topic = k.call("Metadata", version, {"Topics": [{"Name": name}], "AllowAutoTopicCreation": auto})["Topics"][0]
        return {f: topic[f] for f in ("Name", "ErrorCode", "IsInternal")}

    for name in INTERNAL:
        ask(name)
    try:  # Kafka makes them in the background
        k.wait(lambda: all(ask(name)["ErrorCode"] == 0 for name in INTERNAL), 5)
    except TimeoutError:
        pass
    answers = {name: {"automatic": ask(name), "not automatic": ask(name, auto=False)} for name in INTERNAL}
    answers["version 1"] = ask(INTERNAL[0], version=1)
    answers[RAFT] = {"automatic": ask(RAFT), "not automatic": ask(RAFT, auto=False)}
    listed = k.call("Metadata", 12, {"Topics": None})["Topics"]
    answers["listed as ordinary"] = [t["Name"] for t in listed if t["Name"] in INTERNAL and not t["IsInternal"]]
    described = k.call("DescribeTopicPartitions", 0, {"Topics": [{"Name": INTERNAL[0]}, {"Name": RAFT}], "ResponsePartitionLimit": 1})
    answers["described"] = [{f: t[f] for f in ("Name", "ErrorCode", "IsInternal")} for t in described["Topics"]]
    return answers


@case("internal-topics/administration")
def _(k):
    def made(name, **rest):
        topic = k.call("CreateTopics", 7, create(name, **rest))["Topics"][0]
        return {f: topic[f] for f in ("ErrorCode", "ErrorMessage")}

    data = [{"Index": 0, "Records": batch([(b"k", b"x")])}]
    topics = [{"Name": n, "PartitionData": data} for n in [INTERNAL[0], RAFT]]
    answers = {
        "create": made(INTERNAL[0]),
        "validate": made(INTERNAL[0], validateOnly=True),
        "create raft": made(RAFT),
        "delete raft": k.call("DeleteTopics", 6, {"Topics": [{"Name": RAFT}], "TimeoutMs": 1000})["Responses"],
        "produce": k.call("Produce", 9, {"Acks": -1, "TimeoutMs": 1000, "TopicData": topics})["Responses"],
    }
    return answers


@case("features/described")
def _(k):
    answer = k.connect().call("ApiVersions", 4, {"ClientSoftwareName": "behaviour", "ClientSoftwareVersion": "1"})
    rows = {r["Name"]: f"{r['MinVersion']}-{r['MaxVersion']}" for r in answer["SupportedFeatures"]}
    levels = {r["Name"]: f"{r['MinVersionLevel']}-{r['MaxVersionLevel']}" for r in answer["FinalizedFeatures"]}
    old = k.connect().call("ApiVersions", 3, {"ClientSoftwareName": "behaviour", "ClientSoftwareVersion": "1"})
    return {
        "supported": rows, "finalized": levels, "epoch known": answer["FinalizedFeaturesEpoch"] >= 0,
        "supported, version 3": sorted(r["Name"] for r in old["SupportedFeatures"]),
    }


@case("features/update")
def _(k):
    def update(feature, level, kind=1, version=2, validate=True):
        row = {"Feature": feature, "MaxVersionLevel": level}
        row.update({"AllowDowngrade": kind > 1} if version == 0 else {"UpgradeType": kind})
        body = {"timeoutMs": 5000, "FeatureUpdates": [row], **({"ValidateOnly": validate} if version else {})}
        return k.call("UpdateFeatures", version, body)

    answer = k.connect().call("ApiVersions", 4, {"ClientSoftwareName": "behaviour", "ClientSoftwareVersion": "1"})
    level = next(r["MaxVersionLevel"] for r in answer["FinalizedFeatures"] if r["Name"] == "metadata.version")
    return {
        "same level": update("metadata.version", level),
        "same level, version 0": update("metadata.version", level, version=0),
        "same level, version 1": update("metadata.version", level, version=1),
        "higher than known": update("metadata.version", 999),
        "higher than known, version 1": update("metadata.version", 999, version=1),
        "unknown feature": update("no.such.feature", 1),
        "nothing": k.call("UpdateFeatures", 2, {"timeoutMs": 5000, "FeatureUpdates": []}),
        "unknown kind": update("metadata.version", level, kind=9),
        "lower as an upgrade": update("metadata.version", level - 1),
    }


@case("reassignments/list")
def _(k):
    name = k.topic("staying", 2)
    ask = lambda topics: k.call("ListPartitionReassignments", 0, {"TimeoutMs": 5000, "Topics": topics})  # noqa: E731
    return {
        "all": ask(None),
        "none": ask([]),
        "known": ask([{"Name": name, "PartitionIndexes": [0, 1]}]),
        "unknown partition": ask([{"Name": name, "PartitionIndexes": [9]}]),
        "unknown topic": ask([{"Name": k.name("nowhere"), "PartitionIndexes": [0]}]),
    }


@case("reassignments/alter")
def _(k):
    name, self = k.topic("reassigned", 2), me(k)

    def alter(replicas, partition=0, topic=name, version=1, **rest):
        rows = [{"PartitionIndex": partition, "Replicas": replicas}]
        return k.call("AlterPartitionReassignments", version, {"TimeoutMs": 5000, "Topics": [{"Name": topic, "Partitions": rows}], **rest})

    twice = [{"PartitionIndex": 0, "Replicas": [self]}] * 2
    return {
        "nothing": k.call("AlterPartitionReassignments", 1, {"TimeoutMs": 5000, "Topics": []}),
        "where it is": alter([self]),
        "where it is, version 0": alter([self], version=0),
        "where it is, same factor": alter([self], AllowReplicationFactorChange=False),
        "unknown broker": alter([99]),
        "one more, unknown": alter([self, 99]),
        "one more, unknown, same factor": alter([self, 99], AllowReplicationFactorChange=False),
        "no replicas": alter([]),
        "broker twice": alter([self, self]),
        "negative broker": alter([-1]),
        "cancel": alter(None),
        "unknown partition": alter([self], 9),
        "cancel of an unknown partition": alter(None, 9),
        "unknown topic": alter([self], topic=k.name("nowhere")),
        "cancel of an unknown topic": alter(None, topic=k.name("nowhere")),
        "bad topic": alter([self], topic="a/b"),
        "partition twice": k.call("AlterPartitionReassignments", 1, {"TimeoutMs": 5000, "Topics": [{"Name": name, "Partitions": twice}]}),
        "topic twice": k.call("AlterPartitionReassignments", 1, {"TimeoutMs": 5000, "Topics": [{"Name": name, "Partitions": twice[:1]}] * 2}),
    }


@case("elections")
def _(k):
    name = k.topic("elected", 2)

    def elect(topics, kind=0, version=2):
        body = {"TopicPartitions": topics, "TimeoutMs": 5000, **({"ElectionType": kind} if version else {})}
        answer = k.call_or_close("ElectLeaders", version, body)
        if topics is None:
            answer["ReplicaElectionResults"] = [t for t in answer["ReplicaElectionResults"] if t["Topic"] == name]
        for topic in answer["ReplicaElectionResults"] if isinstance(answer, dict) else []:
            topic["PartitionResult"].sort(key=lambda p: p["PartitionId"])
        return answer

    rows = lambda *ps, topic=name: [{"Topic": topic, "Partitions": list(ps)}]  # noqa: E731
    return {
        "preferred": elect(rows(0, 1)), "version 0": elect(rows(0), version=0), "version 1": elect(rows(0), version=1),
        "unclean": elect(rows(0, 1), 1), "unknown partition": elect(rows(0, 9)), "unclean, unknown partition": elect(rows(9), 1),
        "unknown topic": elect(rows(0, topic=k.name("nowhere"))), "bad topic": elect(rows(0, topic="a/b")),
        "all": elect(None), "all, unclean": elect(None, 1), "none": elect([]), "unknown kind": elect(rows(0), 9),
        "partition twice": elect(rows(0, 0)), "topic twice": elect(rows(0) * 2), "topic without partitions": elect(rows()),
    }


@case("quorum")
def _(k):
    def ask(topics, version=2):
        rows = [{"TopicName": t, "Partitions": [{"PartitionIndex": p} for p in ps]} for t, ps in topics]
        answer = k.call_or_close("DescribeQuorum", version, {"Topics": rows})
        for topic in answer["Topics"] if isinstance(answer, dict) else []:
            for p in topic["Partitions"]:
                p.update({f: p[f] > 0 for f in ("LeaderEpoch", "HighWatermark")})
                for replica in p["CurrentVoters"] + p["Observers"]:
                    replica.update({f: replica[f] > 0 for f in ("LogEndOffset", "LastFetchTimestamp", "LastCaughtUpTimestamp") if f in replica})
                    replica.pop("ReplicaDirectoryId", None)
        for node in answer.get("Nodes", []) if isinstance(answer, dict) else []:
            node["Listeners"] = [{"Name": li["Name"], "port": li["Port"] > 0, "host": bool(li["Host"])} for li in node["Listeners"]]
        return answer

    return {
        "metadata": ask([(RAFT, [0])]), "version 0": ask([(RAFT, [0])], 0), "version 1": ask([(RAFT, [0])], 1),
        "other topic": ask([(k.topic("no-quorum"), [0])]), "unknown topic": ask([(k.name("nowhere"), [0])]),
        "other partition": ask([(RAFT, [1])]), "two partitions": ask([(RAFT, [0, 1])]), "no topics": ask([]),
        "no partitions": ask([(RAFT, [])]), "twice": ask([(RAFT, [0]), (RAFT, [0])]),
    }


@case("producers")
def _(k):
    name = k.topic("produced-to", 2)
    ids = [k.call("InitProducerId", 4, {"TransactionalId": None, "TransactionTimeoutMs": 1000})["ProducerId"] for _ in range(2)]
    sent = [(ids[0], 0, 2, 5000), (ids[0], 2, 1, 4000), (ids[1], 0, 1, 7000)]
    for producer, sequence, count, at in sent:
        records = batch([b"x"] * count, producer_id=producer, producer_epoch=0, sequence=sequence, timestamp=at)
        if code := k.produce(name, records)["ErrorCode"]:
            raise RuntimeError(f"cannot produce: {code}")

    def ask(topic, *partitions):
        answer = k.call("DescribeProducers", 0, {"Topics": [{"Name": topic, "PartitionIndexes": list(partitions)}]})
        for found in answer["Topics"]:
            for partition in found["Partitions"]:
                partition["ActiveProducers"].sort(key=lambda p: p["ProducerId"])
                for p in partition["ActiveProducers"]:
                    p["producer"] = ids.index(p.pop("ProducerId"))
        return answer

    return {
        "two": ask(name, 0, 1), "unknown partition": ask(name, 0, 9), "unknown topic": ask(k.name("nowhere"), 0), "twice": ask(name, 1, 1),
        "bad topic": ask("a/b", 0), "none": k.call("DescribeProducers", 0, {"Topics": []}), "no partitions": ask(name),
    }


@case("transactions/describe")
def _(k):
    ask = lambda *ids: k.call("DescribeTransactions", 0, {"TransactionalIds": list(ids)})  # noqa: E731
    k.wait(lambda: ask(k.name("x"))["TransactionStates"][0]["ErrorCode"] not in (14, 15, 16), 60)
    return {"unknown": ask(k.name("nothing")), "two": ask(k.name("a"), k.name("b")), "empty": ask(""), "none": ask(), "twice": ask(k.name("a"), k.name("a"))}


@case("transactions/list")
def _(k):
    def ask(version=2, **rest):
        answer = k.call("ListTransactions", version, rest)
        answer["UnknownStateFilters"].sort()
        return answer

    k.wait(lambda: ask()["ErrorCode"] != 14, 60)
    nobody = [1 << 40]
    return {
        "by state": ask(StateFilters=["Ongoing"]), "unknown states": ask(StateFilters=["Ongoing", "Resting", "ongoing", "Dead"]),
        "only unknown states": ask(StateFilters=["Resting"]), "by producer": ask(ProducerIdFilters=nobody),
        "version 0": ask(0, ProducerIdFilters=nobody), "version 1": ask(1, ProducerIdFilters=nobody, DurationFilter=10),
        "by pattern": ask(TransactionalIdPattern=k.name("nothing.*")), "bad pattern": ask(TransactionalIdPattern="(["),
        "empty pattern": ask(TransactionalIdPattern="", ProducerIdFilters=nobody),
        "every state": ask(StateFilters=["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "PrepareEpochFence"], ProducerIdFilters=nobody),
    }


@case("config-resources")
def _(k):
    name = k.topic("has-configs")

    def ask(types, version=1):
        answer = k.call("ListConfigResources", version, {"ResourceTypes": types} if version else {})
        answer["ConfigResources"] = sorted(
            [r.get("ResourceType"), r["ResourceName"]] for r in answer["ConfigResources"] if r.get("ResourceType") != TOPIC or r["ResourceName"] == name
        )
        return answer

    return {
        "version 0": ask(None, 0), "topics": ask([TOPIC]), "brokers": ask([BROKER]), "loggers": ask([BROKER_LOGGER]),
        "metrics": ask([CLIENT_METRICS]), "unknown": ask([99]), "topics and brokers": ask([TOPIC, BROKER]), "twice": ask([BROKER, BROKER]),
        "all, but groups": {**(every := ask([])), "ConfigResources": [r for r in every["ConfigResources"] if r[0] != GROUP]},
    }


@case("unregister-broker")
def _(k):
    def ask(broker):
        connection = k.connect()
        connection.send_raw(struct.pack(">hhih", 64, 0, 1, -1) + b"\0" + struct.pack(">i", broker) + b"\0")
        reader = wire.Reader(connection.receive_raw(), 0, True)
        reader.take(5)
        return {"ThrottleTimeMs": reader.fixed("int32"), "ErrorCode": reader.fixed("int16"), "ErrorMessage": reader.value("string", {})}

    return {"unknown": ask(99), "negative": ask(-1)}
