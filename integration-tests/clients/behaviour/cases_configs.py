"""DescribeConfigs, AlterConfigs and IncrementalAlterConfigs."""

from .context import case

TOPIC, BROKER, BROKER_LOGGER = 2, 4, 8
SET, DELETE, APPEND, SUBTRACT = range(4)


def describe(k, kind, name, keys=None, version=4, **rest):
    body = {"Resources": [{"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": keys}], **rest}
    return k.call("DescribeConfigs", version, body)["Results"]


def by_name(results):
    for result in results:
        entries = result["Configs"]
        for entry in entries:
            entry["Documentation"] = "<text>" if entry.get("Documentation") else entry.get("Documentation")
        result["Configs"] = {e["Name"]: {f: v for f, v in e.items() if f != "Name"} for e in entries}
    return results


def alter(k, kind, name, *ops, validate=False):
    configs = [{"Name": n, "ConfigOperation": o, "Value": v} for n, o, v in ops]
    body = {"Resources": [{"ResourceType": kind, "ResourceName": name, "Configs": configs}], "ValidateOnly": validate}
    return k.call("IncrementalAlterConfigs", 1, body)["Responses"]


def value(k, topic, key):
    entry = describe(k, TOPIC, topic, [key])[0]["Configs"][0]
    return {"value": entry["Value"], "source": entry["ConfigSource"]}


def settled(k, topic, key, expected):
    k.wait(lambda: value(k, topic, key)["value"] == expected)
    return value(k, topic, key)


def broker_id(k):
    return str(k.call("Metadata", 12, {"Topics": []})["Brokers"][0]["NodeId"])


@case("describe-configs/every-topic-config")
def _(k):
    name = k.topic("described", configs={"retention.ms": "3600000", "segment.ms": "7200000"})
    return by_name(describe(k, TOPIC, name, IncludeSynonyms=True, IncludeDocumentation=True))


# What one has to set to run a single broker of either kind: set-up, not behaviour.
SET_UP = {
    "broker.id",
    "node.id",
    "process.roles",
    "controller.listener.names",
    "controller.quorum.voters",
    "group.initial.rebalance.delay.ms",
    "offsets.topic.replication.factor",
    "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.replication.factor",
    "transaction.state.log.min.isr",
    "transaction.state.log.replication.factor",
}


@case("describe-configs/every-broker-config")
def _(k):
    results = by_name(describe(k, BROKER, broker_id(k), IncludeSynonyms=True))
    for name in SET_UP:
        results[0]["Configs"].pop(name, None)
    for entry in results[0]["Configs"].values():
        if entry["ConfigSource"] == 4:  # what this broker's own file says is not behaviour
            entry["Value"] = "<configured>"
            for synonym in entry["Synonyms"]:
                synonym["Value"] = "<configured>" if synonym["Source"] == 4 else synonym["Value"]
    return results[0]["Configs"]


@case("describe-configs/chosen-keys")
def _(k):
    name = k.topic("chosen")
    answers = {"two": describe(k, TOPIC, name, ["retention.ms", "segment.bytes"])}
    answers["unknown key"] = describe(k, TOPIC, name, ["no.such.config"])
    answers["no keys"] = describe(k, TOPIC, name, [])
    answers["version 1"] = describe(k, TOPIC, name, ["retention.ms"], version=1)
    return {n: by_name(a) for n, a in answers.items()}


@case("describe-configs/errors")
def _(k):
    return {
        "unknown topic": describe(k, TOPIC, k.name("nowhere")),
        "bad topic name": describe(k, TOPIC, "a/b"),
        "other broker": describe(k, BROKER, "99"),
        "broker not a number": describe(k, BROKER, "one"),
        "cluster default": by_name(describe(k, BROKER, ""))[0]["ErrorCode"],
        "unknown resource": k.call_or_close("DescribeConfigs", 4, {"Resources": [{"ResourceType": 99, "ResourceName": "x"}]}),
    }


@case("incremental-alter-configs/topic")
def _(k):
    name = k.topic("altered")
    answers = {"set": alter(k, TOPIC, name, ("retention.ms", SET, "1000"))}
    answers["after set"] = settled(k, name, "retention.ms", "1000")
    answers["dry run"] = alter(k, TOPIC, name, ("retention.ms", SET, "2000"), validate=True)
    answers["after the dry run"] = value(k, name, "retention.ms")
    answers["delete"] = alter(k, TOPIC, name, ("retention.ms", DELETE, None))
    answers["after delete"] = settled(k, name, "retention.ms", "604800000")
    answers["delete what is not set"] = alter(k, TOPIC, name, ("segment.ms", DELETE, None))
    return answers


@case("incremental-alter-configs/lists")
def _(k):
    name, key = k.topic("listed-config"), "leader.replication.throttled.replicas"
    answers = {"set": alter(k, TOPIC, name, (key, SET, "0:1"))}
    answers["append"] = alter(k, TOPIC, name, (key, APPEND, "0:2,0:3"))
    answers["after append"] = settled(k, name, key, "0:1,0:2,0:3")
    answers["append what is there"] = alter(k, TOPIC, name, (key, APPEND, "0:2"))
    answers["subtract"] = alter(k, TOPIC, name, (key, SUBTRACT, "0:1,0:9"))
    answers["after subtract"] = settled(k, name, key, "0:2,0:3")
    return answers


@case("incremental-alter-configs/cleanup-policy")
def _(k):
    name = k.topic("compacting")
    answers = {"append": alter(k, TOPIC, name, ("cleanup.policy", APPEND, "compact"))}
    answers["subtract"] = alter(k, TOPIC, name, ("cleanup.policy", SUBTRACT, "delete"))
    return answers


@case("incremental-alter-configs/errors")
def _(k):
    name = k.topic("unaltered")
    return {
        "unknown topic": alter(k, TOPIC, k.name("nowhere"), ("retention.ms", SET, "1000")),
        "unknown key": alter(k, TOPIC, name, ("no.such.config", SET, "1")),
        "invalid value": alter(k, TOPIC, name, ("retention.ms", SET, "soon")),
        "null value": alter(k, TOPIC, name, ("retention.ms", SET, None)),
        "append to a number": alter(k, TOPIC, name, ("retention.ms", APPEND, "1")),
        "key twice": alter(k, TOPIC, name, ("retention.ms", SET, "1"), ("retention.ms", SET, "2")),
        "unknown operation": alter(k, TOPIC, name, ("retention.ms", 9, "1")),
        "nothing": alter(k, TOPIC, name),
        "one of two invalid": alter(k, TOPIC, name, ("segment.ms", SET, "5000"), ("retention.ms", SET, "x")),
        "neither was set": value(k, name, "segment.ms"),
        "other broker": alter(k, BROKER, "99", ("log.cleaner.threads", SET, "1")),
        "broker not a number": alter(k, BROKER, "one", ("log.cleaner.threads", SET, "1")),
        "read-only broker config": alter(k, BROKER, broker_id(k), ("node.id", SET, "7")),
        "unknown resource": alter(k, 99, "x", ("a", SET, "b")),
        "topic twice": k.call(
            "IncrementalAlterConfigs",
            1,
            {"Resources": [{"ResourceType": TOPIC, "ResourceName": name, "Configs": []} for _ in range(2)]},
        )["Responses"],
    }


@case("incremental-alter-configs/broker")
def _(k):
    me = broker_id(k)
    answers = {}
    for scope in ("", me):
        label = "this broker" if scope else "cluster default"
        answers[label] = alter(k, BROKER, scope, ("log.retention.ms", SET, "7200000"))
        expected = 2 if scope else 3
        shown = lambda: describe(k, BROKER, me, ["log.retention.ms"], IncludeSynonyms=True)  # noqa: E731
        k.wait(lambda: shown()[0]["Configs"][0]["ConfigSource"] == (1 if scope else expected) or shown()[0]["Configs"][0]["Value"] == "7200000")
        answers[label + " shown"] = by_name(shown())
    for scope in (me, ""):
        answers["undo " + ("this broker" if scope else "cluster default")] = alter(k, BROKER, scope, ("log.retention.ms", DELETE, None))
    k.wait(lambda: describe(k, BROKER, me, ["log.retention.ms"])[0]["Configs"][0]["Value"] is None)
    answers["at last"] = by_name(describe(k, BROKER, me, ["log.retention.ms"], IncludeSynonyms=True))
    return answers


@case("alter-configs/replaces-all")
def _(k):
    name = k.topic("replaced", configs={"retention.ms": "1000", "segment.ms": "9000"})

    def replace(configs, topic=name, validate=False):
        rows = [{"Name": n, "Value": v} for n, v in configs.items()]
        body = {"Resources": [{"ResourceType": TOPIC, "ResourceName": topic, "Configs": rows}], "ValidateOnly": validate}
        return k.call("AlterConfigs", 2, body)["Responses"]

    answers = {"done": replace({"retention.ms": "5000"})}
    answers["kept"] = settled(k, name, "retention.ms", "5000")
    answers["dropped"] = settled(k, name, "segment.ms", "604800000")
    answers["invalid"] = replace({"retention.ms": "x"})
    answers["null value"] = replace({"retention.ms": None})
    answers["unknown topic"] = replace({}, k.name("nowhere"))
    answers["unknown key"] = replace({"no.such.config": "1"})
    answers["dry run"] = replace({}, validate=True)
    answers["after the dry run"] = value(k, name, "retention.ms")
    return answers
