"""Steps of the group tests, at the level of the wire: one request each, without the retries of a client.

    groups.py commit HOST:PORT GROUP TOPIC OFFSET     prints the error code, or `no answer`
    groups.py committed HOST:PORT GROUP TOPIC         prints the committed offset of partition 0, -1 for none
    groups.py join HOST:PORT GROUP                    prints the error code, or `no answer`
    groups.py flood HOST:PORT GROUP TOPIC PARTITIONS ROUNDS
    groups.py owners HOST:PORT COUNT                  prints the coordinators of the groups group-0, group-1, ...

`flood` commits all partitions with the longest metadata, and disconnects without waiting for the reply.
"""

import sys
import time

from behaviour import wire

PATIENCE_S = 10
# COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR
PASSING = {14, 15, 16}


def call(bootstrap, api, version, body):
    connection = wire.Connection(bootstrap)
    connection.socket.settimeout(PATIENCE_S)
    try:
        return connection.call(api, version, body)
    finally:
        connection.close()


def body(group, topic, partitions, offset, metadata=""):
    rows = [{"PartitionIndex": p, "CommittedOffset": offset, "CommittedMetadata": metadata} for p in range(partitions)]
    return {"GroupId": group, "Topics": [{"Name": topic, "Partitions": rows}]}


def commit(bootstrap, group, topic, offset):
    try:
        answer = call(bootstrap, "OffsetCommit", 8, body(group, topic, 1, int(offset)))
        print(answer["Topics"][0]["Partitions"][0]["ErrorCode"])
    except TimeoutError:
        print("no answer")


def committed(bootstrap, group, topic):
    asked = {"Groups": [{"GroupId": group, "Topics": [{"Name": topic, "PartitionIndexes": [0]}]}]}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = call(bootstrap, "OffsetFetch", 8, asked)["Groups"][0]
        if found["ErrorCode"] not in PASSING:
            return print(found["Topics"][0]["Partitions"][0]["CommittedOffset"])
        time.sleep(0.05)
    raise SystemExit("the group is not served")


def join(bootstrap, group):
    protocols = [{"Name": "range", "Metadata": b"\0\0\0\0\0\0\xff\xff\xff\xff"}]
    asked = {
        "GroupId": group, "SessionTimeoutMs": 10000, "RebalanceTimeoutMs": 10000, "MemberId": "",
        "ProtocolType": "consumer", "Protocols": protocols,
    }
    try:
        print(call(bootstrap, "JoinGroup", 3, asked)["ErrorCode"])
    except TimeoutError:
        print("no answer")


def flood(bootstrap, group, topic, partitions, rounds):
    for round_ in range(int(rounds)):
        connection = wire.Connection(bootstrap)
        connection.send("OffsetCommit", 8, body(group, topic, int(partitions), round_, "x" * 4096))
        connection.close()


def owners(bootstrap, count):
    asked = {"KeyType": 0, "CoordinatorKeys": [f"group-{n}" for n in range(int(count))]}
    print(*[found["NodeId"] for found in call(bootstrap, "FindCoordinator", 4, asked)["Coordinators"]])


STEPS = {step.__name__: step for step in (commit, committed, join, flood, owners)}
STEPS[sys.argv[1]](*sys.argv[2:])
