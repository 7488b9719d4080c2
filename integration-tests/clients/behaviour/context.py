"""What every case gets: a connection, names of its own, and answers made comparable between two brokers."""

import time
import uuid

from kafka import errors

from . import batch, wire

NAMES = {e.errno: e.message for e in vars(errors).values() if isinstance(e, type) and isinstance(getattr(e, "errno", None), int)}
NAMES[0] = "NONE"
CASES = {}


def case(name):
    """Registers a function of a Context that returns what the broker answered."""

    def register(function):
        if name in CASES:
            raise ValueError(f"two cases are called {name}")
        CASES[name] = function
        return function

    return register


class Context:
    def __init__(self, bootstrap, run):
        self.bootstrap, self.run, self.opened = bootstrap, run, []
        self.main = self.connect()

    def connect(self):
        self.opened.append(wire.Connection(self.bootstrap))
        return self.opened[-1]

    def close(self):
        for connection in self.opened:
            connection.close()

    def name(self, stem):
        return f"{stem}-{self.run}"

    def call(self, api, version, body=None):
        return self.main.call(api, version, body)

    def call_or_close(self, api, version, body=None):
        """For requests that may end the connection or never be answered: on a connection of its own."""
        connection = self.connect()
        connection.socket.settimeout(5)
        try:
            return connection.call(api, version, body)
        except wire.Closed:
            return "connection closed"
        except TimeoutError:
            return "no answer within 5 s"

    def topic(self, stem, partitions=1, configs=None):
        """Makes a topic, waits until its leaders serve, and returns its name."""
        name = self.name(stem)
        answer = self.call("CreateTopics", 7, create(name, partitions, configs=configs))
        code = answer["Topics"][0]["ErrorCode"]
        if code not in (0, 36):
            raise RuntimeError(f"cannot create {name}: {NAMES.get(code, code)}")
        for partition in range(partitions):
            self.wait(lambda p=partition: self.offset(name, -1, p)["ErrorCode"] == 0)
        return name

    def topic_id(self, name):
        return self.call("Metadata", 12, {"Topics": [{"Name": name}]})["Topics"][0]["TopicId"]

    def offset(self, name, timestamp, partition=0, version=8):
        body = {"ReplicaId": -1, "Topics": [{"Name": name, "Partitions": [{"PartitionIndex": partition, "Timestamp": timestamp}]}]}
        return self.call("ListOffsets", version, body)["Topics"][0]["Partitions"][0]

    def produce(self, topic, records, partition=0, acks=-1, version=9):
        """Produces a record set; returns the partition's answer."""
        answer = self.call("Produce", version, produce(topic, records, partition, acks))
        return answer["Responses"][0]["PartitionResponses"][0]

    def fill(self, stem, count, **fields):
        """A topic with `count` batches of one record each."""
        name = self.topic(stem)
        for index in range(count):
            code = self.produce(name, batch.batch([b"value-%d" % index], **fields))["ErrorCode"]
            if code:
                raise RuntimeError(f"cannot fill {name}: {code}")
        return name

    def wait(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the broker did not get there in time")
            time.sleep(0.02)


def create(name, partitions=1, replicas=1, configs=None, assignments=None, **rest):
    topic = {
        "Name": name,
        "NumPartitions": partitions,
        "ReplicationFactor": replicas,
        "Assignments": [{"PartitionIndex": p, "BrokerIds": b} for p, b in (assignments or [])],
        "Configs": [{"Name": n, "Value": v} for n, v in (configs or {}).items()],
    }
    return {"Topics": [topic], "timeoutMs": 10000, **rest}


def produce(topic, records, partition=0, acks=-1):
    data = [{"Index": partition, "Records": records}]
    return {"Acks": acks, "TimeoutMs": 5000, "TopicData": [{"Name": topic, "PartitionData": data}]}


def fetch(topic, offset, partition=0, **rest):
    """A request for one partition, by name; `limit` bounds its bytes, the rest is the request's own fields."""
    part = {"Partition": partition, "FetchOffset": offset, "PartitionMaxBytes": rest.pop("limit", 1 << 20)}
    for own in ("CurrentLeaderEpoch", "LastFetchedEpoch", "LogStartOffset"):
        if own in rest:
            part[own] = rest.pop(own)
    return {"MaxWaitMs": 0, "MinBytes": 0, "Topics": [{"Topic": topic, "Partitions": [part]}], **rest}


def comparable(context, value, key=""):
    """The same answer from another broker, another run or another port must give the same JSON."""
    if isinstance(value, dict):
        return {k: comparable(context, v, k) for k, v in value.items() if k != "ThrottleTimeMs"}
    if isinstance(value, list):
        return [comparable(context, v, key) for v in value]
    if key in ("ErrorCode", "ResponseErrorCode"):
        return NAMES.get(value, value)
    if key in ("ErrorMessage", "BatchIndexErrorMessage"):
        return "<text>" if value else value
    if key == "ClusterId" or isinstance(value, uuid.UUID):
        return "<id>" if value and value != uuid.UUID(int=0) else "<none>"
    if key in ("ProducerId", "SessionId", "Port"):
        return "<number>" if value > 0 else value
    if key == "Records":
        return batch.headers(value) if value is not None else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return value.replace(context.bootstrap, "<listener>").replace("-" + context.run, "")
    return value
