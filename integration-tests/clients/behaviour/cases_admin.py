"""Topics, partitions, configs and the cluster as an admin client sees them."""

from .context import case, create


def created(k, answer):
    """The parts of a CreateTopics answer that every broker must agree on, configs apart."""
    for topic in answer["Topics"]:
        topic["Configs"] = topic["Configs"] and len(topic["Configs"]) > 10
    return answer


@case("create-topics/plain")
def _(k):
    return created(k, k.call("CreateTopics", 7, create(k.name("plain"), 3)))


@case("create-topics/exists")
def _(k):
    name = k.topic("twice")
    return created(k, k.call("CreateTopics", 7, create(name)))


@case("create-topics/named-twice-in-one-request")
def _(k):
    body = create(k.name("double"))
    body["Topics"] *= 2
    return created(k, k.call("CreateTopics", 7, body))


@case("create-topics/names")
def _(k):
    names = ["", ".", "..", "a/b", "sp ace", "ü", "x" * 249, "x" * 250, "a:b", "a.b_c-D9", "__consumer_offsets2", "\0"]
    answers = {}
    for name in names:
        body = create(name, validateOnly=True)
        answers[name if len(name) < 99 else f"{len(name)} characters"] = created(k, k.call("CreateTopics", 7, body))["Topics"]
    for topics in answers.values():
        for topic in topics:
            topic["Name"] = None if len(topic["Name"]) > 99 else topic["Name"]
    return answers


@case("create-topics/names-that-collide")
def _(k):
    """Kafka refuses a name that differs from another only in '.' and '_': their metric names would be the same."""
    k.topic("collides.with")
    return created(k, k.call("CreateTopics", 7, create(k.name("collides_with"))))


@case("create-topics/partitions")
def _(k):
    return {str(n): created(k, k.call("CreateTopics", 7, create(k.name("parts"), n, validateOnly=True))) for n in (-2, -1, 0, 5)}


@case("create-topics/replication-factor")
def _(k):
    return {str(n): created(k, k.call("CreateTopics", 7, create(k.name("rf"), 1, n, validateOnly=True))) for n in (-2, -1, 0, 2, 3)}


@case("create-topics/assignments")
def _(k):
    me = k.call("Metadata", 12, {"Topics": []})["Brokers"][0]["NodeId"]
    shapes = {
        "good": [(0, [me]), (1, [me])],
        "broker twice": [(0, [me, me])],
        "unknown broker": [(0, [99])],
        "not from zero": [(1, [me])],
        "gap": [(0, [me]), (2, [me])],
        "partition twice": [(0, [me]), (0, [me])],
        "different lengths": [(0, [me]), (1, [])],
        "negative broker": [(0, [-1])],
    }
    answers = {}
    for shape, rows in shapes.items():
        answers[shape] = created(k, k.call("CreateTopics", 7, create(k.name("manual"), -1, -1, assignments=rows, validateOnly=True)))
    both = create(k.name("manual"), 2, 1, assignments=[(0, [me])], validateOnly=True)
    answers["with a partition count"] = created(k, k.call("CreateTopics", 7, both))
    return answers


@case("create-topics/validate-only")
def _(k):
    answer = created(k, k.call("CreateTopics", 7, create(k.name("dry"), 2, validateOnly=True)))
    seen = k.call("Metadata", 12, {"Topics": [{"Name": k.name("dry")}], "AllowAutoTopicCreation": False})
    return {"answer": answer, "afterwards": seen["Topics"]}


INVALID = [
    ("retention.ms", "soon"),
    ("retention.ms", "-2"),
    ("retention.ms", None),
    ("retention.bytes", "-5"),
    ("cleanup.policy", "shred"),
    ("cleanup.policy", "compact,delete"),
    ("compression.type", "rar"),
    ("compression.type", "zstd"),
    ("compression.gzip.level", "10"),
    ("max.message.bytes", "-1"),
    ("max.message.bytes", "1e6"),
    ("min.insync.replicas", "0"),
    ("min.insync.replicas", "3"),
    ("segment.bytes", "1"),
    ("segment.ms", "0"),
    ("flush.messages", "0"),
    ("min.cleanable.dirty.ratio", "1.5"),
    ("message.timestamp.type", "Sometimes"),
    ("message.timestamp.type", "LogAppendTime"),
    ("message.timestamp.after.max.ms", "3600000"),
    ("unclean.leader.election.enable", "maybe"),
    ("preallocate", "yes"),
    ("file.delete.delay.ms", "-1"),
    ("leader.replication.throttled.replicas", "*"),
    ("leader.replication.throttled.replicas", "zero"),
    ("local.retention.ms", "-3"),
    ("remote.storage.enable", "true"),
    ("message.format.version", "2.8"),
    ("no.such.config", "1"),
    ("", "1"),
]


@case("create-topics/configs")
def _(k):
    answers = {}
    for name, value in INVALID:
        body = create(k.name("configured"), configs={name: value}, validateOnly=True)
        answers[f"{name}={value}"] = k.call("CreateTopics", 7, body)["Topics"][0]["ErrorCode"]
    return [{"config": config, "ErrorCode": code} for config, code in answers.items()]


@case("create-topics/config-named-twice")
def _(k):
    body = create(k.name("config-twice"), validateOnly=True)
    body["Topics"][0]["Configs"] = [{"Name": "retention.ms", "Value": "1000"}, {"Name": "retention.ms", "Value": "2000"}]
    return created(k, k.call("CreateTopics", 7, body))


@case("create-topics/nothing")
def _(k):
    return k.call("CreateTopics", 7, {"Topics": [], "timeoutMs": 1000})


@case("create-topics/all-configs-of-a-new-topic")
def _(k):
    answer = k.call("CreateTopics", 7, create(k.name("full"), configs={"retention.ms": "86400000"}))
    return {c["Name"]: {f: v for f, v in c.items() if f != "Name"} for c in answer["Topics"][0]["Configs"]}


@case("delete-topics/by-name-and-id")
def _(k):
    first, second = k.topic("gone-by-name"), k.topic("gone-by-id")
    unknown = "00112233445566778899aabbccddeeff"
    import uuid

    topics = [{"Name": first}, {"Name": None, "TopicId": k.topic_id(second)}, {"Name": k.name("never")}]
    topics.append({"Name": None, "TopicId": uuid.UUID(unknown)})
    answer = k.call("DeleteTopics", 6, {"Topics": topics, "TimeoutMs": 10000})
    answer["Responses"].sort(key=lambda t: (t["Name"] or "~", t["ErrorCode"]))
    k.wait(lambda: k.call("Metadata", 12, {"Topics": [{"Name": first}], "AllowAutoTopicCreation": False})["Topics"][0]["ErrorCode"] == 3)
    again = k.call("DeleteTopics", 6, {"Topics": [{"Name": first}], "TimeoutMs": 10000})
    return {"first": answer, "again": again}


@case("delete-topics/name-and-id-both")
def _(k):
    name = k.topic("over-specified")
    return k.call("DeleteTopics", 6, {"Topics": [{"Name": name, "TopicId": k.topic_id(name)}], "TimeoutMs": 1000})


@case("delete-topics/named-twice")
def _(k):
    name = k.topic("deleted-twice")
    return k.call("DeleteTopics", 6, {"Topics": [{"Name": name}, {"Name": name}], "TimeoutMs": 1000})


@case("delete-topics/recreated-topic-is-empty")
def _(k):
    name = k.fill("again", 3)
    before = k.topic_id(name)
    k.call("DeleteTopics", 6, {"Topics": [{"Name": name}], "TimeoutMs": 10000})
    k.wait(lambda: k.call("CreateTopics", 7, create(name))["Topics"][0]["ErrorCode"] == 0)
    k.wait(lambda: k.offset(name, -1)["ErrorCode"] == 0)
    return {"end": k.offset(name, -1)["Offset"], "same id": before == k.topic_id(name)}


@case("create-partitions")
def _(k):
    name = k.topic("growing", 2)
    me = k.call("Metadata", 12, {"Topics": []})["Brokers"][0]["NodeId"]

    def grow(count, assignments=None, topic=name, dry=True):
        rows = None if assignments is None else [{"BrokerIds": ids} for ids in assignments]
        body = {"Topics": [{"Name": topic, "Count": count, "Assignments": rows}], "TimeoutMs": 10000, "ValidateOnly": dry}
        return k.call("CreatePartitions", 3, body)["Results"]

    answers = {
        "shrink": grow(1),
        "same": grow(2),
        "zero": grow(0),
        "negative": grow(-1),
        "unknown topic": grow(3, topic=k.name("nowhere")),
        "assigned": grow(3, [[me]]),
        "assigned too few": grow(4, [[me]]),
        "assigned unknown broker": grow(3, [[99]]),
        "assigned two replicas": grow(3, [[me, me]]),
        "dry run": grow(4),
        "count after the dry run": len(k.call("Metadata", 12, {"Topics": [{"Name": name}]})["Topics"][0]["Partitions"]),
        "done": grow(4, dry=False),
    }
    k.wait(lambda: len(k.call("Metadata", 12, {"Topics": [{"Name": name}]})["Topics"][0]["Partitions"]) == 4)
    body = {"Topics": [{"Name": name, "Count": 5}, {"Name": name, "Count": 6}], "TimeoutMs": 1000, "ValidateOnly": True}
    answers["named twice"] = k.call("CreatePartitions", 3, body)["Results"]
    return answers


@case("delete-records")
def _(k):
    name = k.fill("trimmed", 10)

    def trim(offset, partition=0, topic=name):
        rows = [{"PartitionIndex": partition, "Offset": offset}]
        return k.call("DeleteRecords", 2, {"Topics": [{"Name": topic, "Partitions": rows}], "TimeoutMs": 5000})["Topics"]

    return {
        "to 4": trim(4),
        "start afterwards": k.offset(name, -2)["Offset"],
        "back to 2": trim(2),
        "beyond the high watermark": trim(11),
        "negative": trim(-2),
        "unknown partition": trim(0, 7),
        "unknown topic": trim(0, 0, k.name("nowhere")),
        "to the high watermark": trim(-1),
        "start at last": k.offset(name, -2)["Offset"],
        "end at last": k.offset(name, -1)["Offset"],
    }


@case("delete-records/on-a-compacted-topic")
def _(k):
    name = k.topic("compacted-trim", configs={"cleanup.policy": "compact"})
    rows = [{"PartitionIndex": 0, "Offset": 0}]
    return k.call("DeleteRecords", 2, {"Topics": [{"Name": name, "Partitions": rows}], "TimeoutMs": 5000})["Topics"]


@case("describe-cluster")
def _(k):
    answers = {str(v): k.call("DescribeCluster", v, {"IncludeClusterAuthorizedOperations": v > 0}) for v in (0, 1, 2)}
    answers["controllers"] = k.call_or_close("DescribeCluster", 1, {"EndpointType": 2})
    return answers


@case("describe-log-dirs")
def _(k):
    name = k.fill("on-disk", 2)
    found = k.call("DescribeLogDirs", 4, {"Topics": [{"Topic": name, "Partitions": [0]}, {"Topic": k.name("nowhere"), "Partitions": [0]}]})
    for result in found["Results"]:
        result["LogDir"] = "<dir>"
        for size in ("TotalBytes", "UsableBytes"):
            result[size] = result[size] > 0
        for topic in result["Topics"]:
            for partition in topic["Partitions"]:
                partition["PartitionSize"] = partition["PartitionSize"] > 0
    return found
