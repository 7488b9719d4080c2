"""ACLs, SCRAM credentials and quotas, on a broker without an authorizer."""

from .context import case

ANY, ALLOW, LITERAL, TOPIC = 1, 3, 3, 2


@case("acls")
def _(k):
    entry = {"ResourceType": TOPIC, "ResourceName": "t", "ResourcePatternType": LITERAL, "Principal": "User:a", "Host": "*", "Operation": 3, "PermissionType": ALLOW}
    everything = {"ResourceTypeFilter": ANY, "ResourceNameFilter": None, "PatternTypeFilter": ANY, "PrincipalFilter": None, "HostFilter": None, "Operation": ANY, "PermissionType": ANY}
    answers = {}
    for version in (1, 2, 3):
        answers[f"describe {version}"] = k.call("DescribeAcls", version, everything)
        answers[f"create {version}"] = k.call("CreateAcls", version, {"Creations": [entry, {**entry, "ResourceName": ""}]})
        answers[f"delete {version}"] = k.call("DeleteAcls", version, {"Filters": [everything, {**everything, "ResourceTypeFilter": TOPIC}]})
    answers["create none"] = k.call("CreateAcls", 3, {"Creations": []})
    answers["delete none"] = k.call("DeleteAcls", 3, {"Filters": []})
    return answers


@case("scram/describe")
def _(k):
    def users(*names):
        answer = k.call("DescribeUserScramCredentials", 0, {"Users": [{"Name": n} for n in names]})
        answer["Results"].sort(key=lambda r: r["User"])
        return answer

    return {
        "all": k.call("DescribeUserScramCredentials", 0, {"Users": None}),
        "none": users(),
        "unknown": users("nobody"),
        "twice": users("nobody", "other", "nobody"),
        "empty name": users(""),
    }


@case("scram/alter")
def _(k):
    def alter(upsertions=(), deletions=()):
        rows = [{"Name": n, "Mechanism": m, "Iterations": i, "Salt": b"salt", "SaltedPassword": b"p" * 32} for n, m, i in upsertions]
        body = {"Upsertions": rows, "Deletions": [{"Name": n, "Mechanism": m} for n, m in deletions]}
        answer = k.call("AlterUserScramCredentials", 0, body)
        answer["Results"].sort(key=lambda r: r["User"])
        return answer

    user = k.name("user")
    answers = {
        "nothing": alter(),
        "delete unknown": alter(deletions=[(k.name("nobody"), 1)]),
        "delete unknown mechanism": alter(deletions=[(k.name("nobody"), 7)]),
        "few iterations": alter([(user, 1, 10)]),
        "many iterations": alter([(user, 1, 1 << 30)]),
        "unknown mechanism": alter([(user, 7, 4096)]),
        "empty name": alter([("", 1, 4096)]),
        "twice": alter([(user, 1, 4096), (user, 1, 8192)]),
        "set and delete": alter([(user, 1, 4096)], [(user, 1)]),
        "set": alter([(user, 1, 4096)]),
    }
    k.call("AlterUserScramCredentials", 0, {"Deletions": [{"Name": user, "Mechanism": 1}]})
    return answers


@case("quotas/describe")
def _(k):
    def ask(*components, strict=False, version=1):
        rows = [{"EntityType": t, "MatchType": m, "Match": v} for t, m, v in components]
        return k.call("DescribeClientQuotas", version, {"Components": rows, "Strict": strict})

    return {
        "all": ask(),
        "all, version 0": ask(version=0),
        "strict": ask(strict=True),
        "user": ask(("user", 0, k.name("nobody"))),
        "default user": ask(("user", 1, None)),
        "any client": ask(("client-id", 2, None)),
        "user and client": ask(("user", 2, None), ("client-id", 2, None)),
        "ip": ask(("ip", 2, None)),
        "ip and user": ask(("ip", 2, None), ("user", 2, None)),
        "type twice": ask(("user", 2, None), ("user", 1, None)),
        "unknown type": ask(("planet", 2, None)),
        "empty type": ask(("", 2, None)),
        "unknown match": ask(("user", 9, None)),
        "exact without a name": ask(("user", 0, None)),
        "default with a name": ask(("user", 1, "x")),
        "any with a name": ask(("user", 2, "x")),
    }


@case("quotas/alter")
def _(k):
    def alter(entity, *ops, validate=True):
        parts = [{"EntityType": t, "EntityName": n} for t, n in entity]
        rows = [{"Key": key, "Value": value or 0.0, "Remove": value is None} for key, value in ops]
        return k.call("AlterClientQuotas", 1, {"Entries": [{"Entity": parts, "Ops": rows}], "ValidateOnly": validate})

    user = [("user", k.name("limited"))]
    return {
        "nothing": k.call("AlterClientQuotas", 1, {"Entries": []}),
        "set": alter(user, ("producer_byte_rate", 1000.0)),
        "remove": alter(user, ("producer_byte_rate", None)),
        "unknown key": alter(user, ("speed", 1.0)),
        "unknown type": alter([("planet", "x")], ("producer_byte_rate", 1.0)),
        "no entity": alter([], ("producer_byte_rate", 1.0)),
    }
