"""The levels of the broker's loggers, and the configurations of groups and client metrics."""

from .cases_configs import APPEND, BROKER_LOGGER, DELETE, SET, SUBTRACT, TOPIC, alter, broker_id, by_name, describe
from .context import case

CLIENT_METRICS, GROUP = 16, 32


def loggers(k, keys=None, **rest):
    return by_name(describe(k, BROKER_LOGGER, broker_id(k), keys, **rest))[0]


def level(k, name):
    return loggers(k, [name])["Configs"].get(name, {}).get("Value")


@case("loggers/describe")
def _(k):
    every = loggers(k)
    chosen = sorted(n for n in every["Configs"] if n != "root")[0]
    rows = {"root": loggers(k, ["root"], IncludeSynonyms=True, IncludeDocumentation=True), "one": loggers(k, [chosen], IncludeSynonyms=True)}
    rows["one"]["Configs"] = list(rows["one"]["Configs"].values())
    rows["root"]["Configs"]["root"]["Value"] = rows["one"]["Configs"][0]["Value"] = "<level>"
    return {
        **rows,
        "levels": sorted({e["Value"] for e in every["Configs"].values()} - {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"}),
        "unknown": loggers(k, ["no.such.logger"]),
        "other broker": describe(k, BROKER_LOGGER, "99"),
        "no broker": describe(k, BROKER_LOGGER, ""),
        "not a number": describe(k, BROKER_LOGGER, "one"),
    }


@case("loggers/alter")
def _(k):
    me = broker_id(k)
    name = sorted(n for n in loggers(k)["Configs"] if n != "root")[0]
    before = level(k, "root")

    def change(*ops, **rest):
        return alter(k, BROKER_LOGGER, rest.pop("broker", me), *ops, **rest)

    answers = {"dry run": change((name, SET, "ERROR"), validate=True), "not yet": level(k, name) == "ERROR"}
    for value in ("ERROR", "WARN", "INFO", "FATAL", "debug"):
        answers["set " + value] = change((name, SET, value))
        answers["after " + value] = level(k, name)
    answers["delete"] = change((name, DELETE, ""))
    answers["deleted is the root's"] = level(k, name) == level(k, "root")
    answers |= {
        "unknown level": change((name, SET, "LOUD")), "no level": change((name, SET, None)), "empty level": change((name, SET, "")),
        "off": change((name, SET, "OFF")), "unknown logger": change(("no.such.logger", SET, "INFO")),
        "delete unknown logger": change(("no.such.logger", DELETE, "")), "append": change((name, APPEND, "INFO")),
        "subtract": change((name, SUBTRACT, "INFO")), "delete root": change(("root", DELETE, "")),
        "one of two wrong": change((name, SET, "ERROR"), ("no.such.logger", SET, "INFO")), "neither was set": level(k, name) == "ERROR",
        "other broker": change((name, SET, "INFO"), broker="99"), "no broker": change((name, SET, "INFO"), broker=""),
        "not a number": change((name, SET, "INFO"), broker="one"), "nothing": change(), "twice": change((name, SET, "INFO"), (name, SET, "WARN")),
    }
    answers["root"] = change(("root", SET, "ERROR"))
    answers["root is"] = level(k, "root")
    change(("root", SET, before))
    change((name, DELETE, ""))
    body = {"Resources": [{"ResourceType": BROKER_LOGGER, "ResourceName": me, "Configs": [{"Name": name, "Value": "INFO"}]}]}
    answers["replace all"] = k.call("AlterConfigs", 2, body)["Responses"]
    mixed = [
        {"ResourceType": t, "ResourceName": n, "Configs": [{"Name": c, "ConfigOperation": SET, "Value": v}]}
        for t, n, c, v in ((TOPIC, k.topic("mixed"), "retention.ms", "5"), (BROKER_LOGGER, me, name, "INFO"))
    ]
    answers["with a topic"] = sorted(k.call("IncrementalAlterConfigs", 1, {"Resources": mixed, "ValidateOnly": True})["Responses"], key=str)
    return answers


@case("group-configs")
def _(k):
    group = k.name("configured")
    return {
        "described": by_name(describe(k, GROUP, group, IncludeSynonyms=True)), "chosen": by_name(describe(k, GROUP, group, ["consumer.session.timeout.ms"])),
        "empty name": by_name(describe(k, GROUP, "", ["consumer.session.timeout.ms"])),
        "set": alter(k, GROUP, group, ("consumer.session.timeout.ms", SET, "50000"), validate=True),
        "set too low": alter(k, GROUP, group, ("consumer.session.timeout.ms", SET, "1"), validate=True),
        "unknown key": alter(k, GROUP, group, ("no.such.config", SET, "1"), validate=True),
        "set without a name": alter(k, GROUP, "", ("consumer.session.timeout.ms", SET, "50000"), validate=True),
        "delete": alter(k, GROUP, group, ("consumer.session.timeout.ms", DELETE, None), validate=True),
    }


@case("client-metrics-configs")
def _(k):
    name = k.name("metrics")
    return {
        "described": by_name(describe(k, CLIENT_METRICS, name)), "empty name": by_name(describe(k, CLIENT_METRICS, "")),
        "set": alter(k, CLIENT_METRICS, name, ("interval.ms", SET, "5000"), validate=True),
        "unknown key": alter(k, CLIENT_METRICS, name, ("no.such.config", SET, "1"), validate=True),
    }
