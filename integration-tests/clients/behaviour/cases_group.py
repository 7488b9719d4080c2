"""The classic group protocol and committed offsets: joining, generations, errors, and what administrators see."""

import struct

from .context import case

SESSION = 10000


def protocols(*names, topics=("t",)):
    encoded = b"".join(struct.pack(">h", len(t)) + t.encode() for t in topics)
    subscription = struct.pack(">hi", 0, len(topics)) + encoded + struct.pack(">i", -1)
    return [{"Name": name, "Metadata": subscription} for name in names]


class Member:
    """One member with a connection of its own, because a join may be parked."""

    def __init__(self, k, group, instance=None, names=("range",), topics=("t",)):
        self.k, self.group, self.instance = k, group, instance
        self.protocols = protocols(*names, topics=topics)
        self.connection, self.id, self.generation, self.protocol = k.connect(), "", -1, ""

    def body(self, **other):
        body = {
            "GroupId": self.group, "SessionTimeoutMs": SESSION, "RebalanceTimeoutMs": SESSION, "MemberId": self.id,
            "ProtocolType": "consumer", "Protocols": self.protocols,
        }
        if self.instance:
            body["GroupInstanceId"] = self.instance
        return {**body, **other}

    def ask_to_join(self, version=9, **other):
        """Sends the join, getting a member id first where one is required."""
        if not self.id and not self.instance and version >= 4:
            self.id = self.connection.call("JoinGroup", version, self.body(**other))["MemberId"]
        self.connection.send("JoinGroup", version, self.body(**other))

    def joined(self, version=9):
        answer = self.connection.receive("JoinGroup", version)
        self.id, self.generation = answer["MemberId"] or self.id, answer["GenerationId"]
        self.protocol = answer["ProtocolName"]
        return answer

    def join(self, version=9, **other):
        self.ask_to_join(version, **other)
        return self.joined(version)

    def caller(self, **other):
        body = {"GroupId": self.group, "GenerationId": self.generation, "MemberId": self.id}
        if self.instance:
            body["GroupInstanceId"] = self.instance
        return {**body, **other}

    def sync_body(self, assignments=None, **other):
        rows = [{"MemberId": i, "Assignment": a} for i, a in (assignments or {}).items()]
        return {**self.caller(ProtocolType="consumer", ProtocolName=self.protocol, Assignments=rows), **other}

    def sync(self, assignments=None, version=5, **other):
        return self.connection.call("SyncGroup", version, self.sync_body(assignments, **other))

    def heartbeat(self, version=4, **other):
        return self.connection.call("Heartbeat", version, self.caller(**other))

    def leave(self, version=4):
        row = {"MemberId": self.id, "GroupInstanceId": self.instance}
        return self.connection.call("LeaveGroup", version, {"GroupId": self.group, "Members": [row]})


def plain(value, *members):
    """Member ids are random: call them by their places."""
    if isinstance(value, dict):
        return {k: plain(v, *members) for k, v in value.items()}
    if isinstance(value, list):
        rows = [plain(v, *members) for v in value]
        return sorted(rows, key=str) if rows and isinstance(rows[0], dict) else rows
    for index, member in enumerate(members):
        if isinstance(value, str) and value and value in (member.id, getattr(member, "old", None)):
            return f"<member {index}{'' if value == member.id else ', before'}>"
    return value


def stable(k, group, **rest):
    member = Member(k, group, **rest)
    member.join()
    member.sync({member.id: b"mine"})
    return member


def commit(k, group, topic, offset=5, partition=0, version=8, metadata="", **who):
    rows = [{"PartitionIndex": partition, "CommittedOffset": offset, "CommittedMetadata": metadata}]
    return k.call("OffsetCommit", version, {"GroupId": group, "Topics": [{"Name": topic, "Partitions": rows}], **who})


def offsets(k, group, topics, version=8):
    topics = topics and [{"Name": t, "PartitionIndexes": p} for t, p in topics.items()]
    if version >= 8:
        return k.call("OffsetFetch", version, {"Groups": [{"GroupId": group, "Topics": topics}]})
    return k.call("OffsetFetch", version, {"GroupId": group, "Topics": topics})


def described(k, group, version=5, **rest):
    return k.call("DescribeGroups", version, {"Groups": [group], **rest})


@case("group/one-member")
def _(k):
    group = k.name("one")
    member = Member(k, group)
    first = member.connection.call("JoinGroup", 9, member.body())
    given = bool(first.pop("MemberId"))
    joined = member.join()
    early = member.heartbeat()
    synced = member.sync({member.id: b"mine"})
    answers = {
        "member id required": first, "given": given, "joined": joined, "heartbeat before sync": early,
        "synced": synced, "heartbeat": member.heartbeat(), "old generation": member.heartbeat(GenerationId=0),
        "unknown member": member.heartbeat(MemberId="nobody"), "described": described(k, group),
        "synced again": member.sync(), "other protocol": member.sync(ProtocolName="other"),
        "no protocol": member.sync(ProtocolName=None), "left": member.leave(), "left again": member.leave(),
        "empty": described(k, group), "heartbeat after": member.heartbeat(),
    }
    return plain(answers, member)


@case("group/older-versions")
def _(k):
    answers = {}
    for version in range(0, 9):
        member = Member(k, k.name(f"older-{version}"))
        joined = member.join(version)
        synced = member.sync({member.id: b"mine"}, min(version, 4))
        answers[str(version)] = plain([joined, synced, member.heartbeat(min(version, 3))], member)
    return answers


@case("group/two-members-rebalance")
def _(k):
    group = k.name("two")
    one, two = stable(k, group, names=("sticky", "range")), Member(k, group, names=("range", "other"))
    two.ask_to_join()
    k.wait(lambda: one.heartbeat()["ErrorCode"] == 27)
    preparing = described(k, group)
    one.ask_to_join()
    joined = [one.joined(), two.joined()]
    completing = described(k, group)
    two.connection.send("SyncGroup", 5, two.sync_body())
    synced = [one.sync({one.id: b"1", two.id: b"2"}), two.connection.receive("SyncGroup", 5)]
    answers = {
        "preparing": preparing, "completing": completing, "joined": joined, "synced": synced,
        "stable": described(k, group), "follower joins again": two.join(), "left": two.leave(),
        "leader": one.heartbeat(), "sync while preparing": one.sync(),
    }
    return plain(answers, one, two)


@case("group/joins-that-are-refused")
def _(k):
    group = k.name("refused")
    member = stable(k, group)
    other = Member(k, group)

    def join(**rest):
        answer = other.connection.call("JoinGroup", 9, other.body(**rest))
        return answer

    return plain({
        "no group": join(GroupId=""), "short session": join(SessionTimeoutMs=10), "unknown": join(MemberId="nobody"),
        "unknown in no group": join(GroupId=k.name("no-such"), MemberId="nobody"),
        "other type": join(ProtocolType="connect"), "no common protocol": join(Protocols=protocols("other")),
        "no protocols": join(Protocols=[]), "no protocols in a new group": join(GroupId=k.name("new"), Protocols=[]),
        "no type in a new group": join(GroupId=k.name("new"), ProtocolType=""),
        "heartbeat without group": other.heartbeat(GroupId=""), "heartbeat to no group": other.heartbeat(GroupId=k.name("no")),
        "sync to no group": other.sync(GroupId=k.name("no")), "leave without group": k.call("LeaveGroup", 4, {"GroupId": ""}),
        "leave no group": k.call("LeaveGroup", 4, {"GroupId": k.name("no"), "Members": [{"MemberId": "x", "GroupInstanceId": None}]}),
        "old leave of no group": k.call("LeaveGroup", 2, {"GroupId": k.name("no"), "MemberId": "x"}),
        "old leave of nobody": k.call("LeaveGroup", 2, {"GroupId": group, "MemberId": "x"}),
        "leave nobody": k.call("LeaveGroup", 4, {"GroupId": group, "Members": [{"MemberId": "x", "GroupInstanceId": None}]}),
    }, member)


@case("group/static-member")
def _(k):
    group = k.name("static")
    one = stable(k, group, instance="i")
    again = Member(k, group, instance="i")
    again.old = one.id
    back = again.join(9)
    answers = {
        "back": back, "fenced": one.heartbeat(), "fenced sync": one.sync(), "heartbeat": again.heartbeat(),
        "sync": again.sync(), "fenced join": one.connection.call("JoinGroup", 9, one.body()),
        "fenced commit": commit(k, group, k.topic("s"), **{"GenerationIdOrMemberEpoch": one.generation, "MemberId": one.id, "GroupInstanceId": "i"}),
        "fenced leave": one.leave(), "unknown instance": again.heartbeat(GroupInstanceId="j"),
        "leave by instance": k.call("LeaveGroup", 4, {"GroupId": group, "Members": [{"MemberId": "", "GroupInstanceId": "i"}]}),
        "gone": again.heartbeat(),
        "unknown leaves": k.call("LeaveGroup", 4, {"GroupId": group, "Members": [{"MemberId": "", "GroupInstanceId": "i"}]}),
    }
    return plain(answers, again)


@case("group/static-member-before-version-9")
def _(k):
    group = k.name("static-old")
    one = stable(k, group, instance="i")
    again = Member(k, group, instance="i")
    again.old = one.id
    return plain({"back": again.join(8), "heartbeat": again.heartbeat()}, again)


@case("group/commits")
def _(k):
    group, topic = k.name("commits"), k.topic("committed", 2)
    answers = {
        "from outside": commit(k, group, topic), "fetched": offsets(k, group, {topic: [0, 1, 7], k.name("no"): [0]}),
        "all": offsets(k, group, None), "unknown partition": commit(k, group, topic, partition=9),
        "unknown topic": commit(k, group, k.name("no")), "long": commit(k, group, topic, metadata="x" * 5000),
        "metadata": commit(k, group, topic, 6, metadata="note"), "no metadata": commit(k, group, topic, 7, 1, metadata=None),
        "negative": commit(k, k.name("negative"), topic, -1), "negative fetched": offsets(k, k.name("negative"), None),
        "with generation": commit(k, group, topic, GenerationIdOrMemberEpoch=3, MemberId="m"),
        "no group, with generation": commit(k, k.name("no"), topic, GenerationIdOrMemberEpoch=3, MemberId="m"),
        "member without generation": commit(k, group, topic, 8, MemberId="m"),
        "no group": offsets(k, k.name("no"), {topic: [0]}), "no group, all": offsets(k, k.name("no"), None),
        "described": described(k, group), "empty id": commit(k, "", topic), "empty id fetched": offsets(k, "", {topic: [0]}),
    }
    for version in range(1, 10):
        answers[f"version {version}"] = offsets(k, group, {topic: [0, 1, 7]}, version)
    answers["version 7, all"] = offsets(k, group, None, 7)
    return answers


@case("group/commits-of-members")
def _(k):
    group, topic = k.name("members"), k.topic("of-members")
    one = Member(k, group)
    one.join()

    def by(member, **other):
        who = {"GenerationIdOrMemberEpoch": member.generation, "MemberId": member.id, **other}
        return commit(k, group, topic, **who)

    completing = by(one)
    one.sync({one.id: b"mine"})
    answers = {
        "completing": completing, "stable": by(one), "old generation": by(one, GenerationIdOrMemberEpoch=0),
        "unknown member": by(one, MemberId="x"), "outsider": commit(k, group, topic),
        "member without generation": by(one, GenerationIdOrMemberEpoch=-1),
    }
    two = Member(k, group)
    two.ask_to_join()
    k.wait(lambda: one.heartbeat()["ErrorCode"] == 27)
    answers["preparing"] = by(one)
    answers["left"] = one.leave()
    answers["after"] = by(one)
    answers["two"] = two.joined()
    return plain(answers, one, two)


@case("group/administration")
def _(k):
    group, topic = k.name("admin"), k.topic("administrated", 2)
    member = stable(k, group, topics=(topic,))
    who = {"GenerationIdOrMemberEpoch": member.generation, "MemberId": member.id}
    commit(k, group, topic, **who)
    other = k.topic("other")
    commit(k, group, other, **who)

    def delete_offsets(group, *topics):
        rows = [{"Name": t, "Partitions": [{"PartitionIndex": p} for p in ps]} for t, ps in topics]
        return k.call("OffsetDelete", 0, {"GroupId": group, "Topics": rows})

    def listed(version=5, **rest):
        answer = k.call("ListGroups", version, rest)
        answer["Groups"] = [g for g in answer["Groups"] if g["GroupId"] == group]
        return answer

    answers = {
        "listed": listed(), "stable": listed(StatesFilter=["stable"]), "empty": listed(StatesFilter=["Empty"]),
        "unknown state": listed(StatesFilter=["Nonsense"]), "classic": listed(TypesFilter=["Classic"]),
        "consumer": listed(TypesFilter=["consumer"]), "unknown type": listed(TypesFilter=["nonsense"]), "listed by 0": listed(0),
        "describe": described(k, group), "with operations": described(k, group, IncludeAuthorizedOperations=True),
        "no such group": described(k, k.name("no")), "no such group, version 6": described(k, k.name("no"), 6),
        "delete": k.call("DeleteGroups", 2, {"GroupsNames": [group, k.name("no")]}),
        "delete offsets": delete_offsets(group, (topic, [0]), (other, [0, 3]), (k.name("no"), [0])),
        "delete of no group": delete_offsets(k.name("no"), (topic, [0])), "delete without group": delete_offsets("", (topic, [0])),
        "left": offsets(k, group, None),
    }
    member.leave()
    answers["delete when empty"] = delete_offsets(group, (topic, [0, 1]))
    commit(k, group, topic)
    answers["delete the empty group"] = k.call("DeleteGroups", 2, {"GroupsNames": [group]})
    answers["afterwards"] = [described(k, group), offsets(k, group, {topic: [0]})]
    return plain(answers, member)


@case("group/metadata-is-counted-in-characters-of-java")
def _(k):
    group, topic = k.name("metadata"), k.topic("with-metadata")
    texts = {"4096 of two bytes": "ü" * 4096, "4097": "ü" * 4096 + "x", "2048 pairs": "😀" * 2048, "2049 pairs": "😀" * 2049}
    return {name: commit(k, group, topic, metadata=text) for name, text in texts.items()}


@case("group/a-partition-committed-several-times-at-once")
def _(k):
    group, topic = k.name("repeated"), k.topic("committed-repeatedly", 2)
    rows = [{"PartitionIndex": p, "CommittedOffset": o, "CommittedMetadata": ""} for p, o in ((0, 1), (1, 5), (0, 3))]
    return {
        "committed": k.call("OffsetCommit", 8, {"GroupId": group, "Topics": [{"Name": topic, "Partitions": rows}]}),
        "kept": offsets(k, group, {topic: [0, 1]}),
    }


@case("group/without-its-last-offset")
def _(k):
    group, topic = k.name("left-empty"), k.topic("left-by-a-group")
    commit(k, group, topic)
    rows = [{"Name": topic, "Partitions": [{"PartitionIndex": 0}]}]
    deleted = k.call("OffsetDelete", 0, {"GroupId": group, "Topics": rows})
    groups = [g for g in k.call("ListGroups", 5, {})["Groups"] if g["GroupId"] == group]
    return {
        "deleted": deleted, "described": described(k, group, 6), "listed": groups, "offsets": offsets(k, group, None),
        "deleted again": k.call("OffsetDelete", 0, {"GroupId": group, "Topics": rows}),
        "group deleted": k.call("DeleteGroups", 2, {"GroupsNames": [group]}), "afterwards": described(k, group, 6),
    }


@case("group/without-its-topic")
def _(k):
    group, topic = k.name("bereft"), k.topic("deleted-under-a-group")
    commit(k, group, topic, offset=7)
    before = offsets(k, group, {topic: [0]})
    k.call("DeleteTopics", 6, {"Topics": [{"Name": topic}], "TimeoutMs": 10000})
    k.wait(lambda: not offsets(k, group, None)["Groups"][0]["Topics"])
    again = k.topic("deleted-under-a-group")
    return {"before": before, "described": described(k, group, 6), "created again": offsets(k, group, {again: [0]})}
