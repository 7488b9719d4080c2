"""python -m behaviour HOST:PORT [CASE-PREFIX...]: prints {case: answer} as canonical JSON."""

import json
import secrets
import sys

from . import cases_admin, cases_configs, cases_group, cases_loggers, cases_operations, cases_produce, cases_protocol, cases_read, cases_security, cases_sessions, cases_text  # noqa: F401 (they register)
from .context import CASES, Context, comparable


def warm(bootstrap):
    """A broker that just started may be loading its coordinators and producer ids: that is no answer to compare."""
    k = Context(bootstrap, "warm")
    k.wait(lambda: k.call("InitProducerId", 4, {"TransactionalId": None, "TransactionTimeoutMs": 1000})["ErrorCode"] == 0, 60)
    find = {"KeyType": 0, "CoordinatorKeys": ["warm"]}
    k.wait(lambda: k.call("FindCoordinator", 4, find)["Coordinators"][0]["ErrorCode"] == 0, 60)
    k.close()


def main():
    bootstrap, prefixes = sys.argv[1], tuple(sys.argv[2:]) or ("",)
    warm(bootstrap)
    answers = {}
    for name, ask in sorted(CASES.items()):
        if not name.startswith(prefixes):
            continue
        context = Context(bootstrap, secrets.token_hex(4))
        try:
            answers[name] = comparable(context, ask(context))
        except Exception as error:  # an answer too: the other broker gave one, and the rest is still worth asking
            answers[name] = f"no answer: {type(error).__name__}: {error}".replace("-" + context.run, "")
        finally:
            context.close()
        print(name, file=sys.stderr)
    json.dump(answers, sys.stdout, indent=1, sort_keys=True, ensure_ascii=True)
    print()


main()
