"""What the client scripts share: registering tests, running those that were asked for, and telling what went wrong.

Usage of every script: SCRIPT HOST:PORT [TEST...]. Prints one line per test; exit code 1 when one failed.
"""

import sys
import time
import traceback
import uuid

TESTS = {}
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def test(function):
    TESTS[function.__name__] = function
    return function


def fresh(stem):
    """A name that no other run uses."""
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def same(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {shorten(got)}, wanted {shorten(wanted)}")


def shorten(value):
    text = repr(value)
    return text if len(text) < 500 else text[:400] + f"... ({len(text)} characters)"


def until(condition, seconds=20, what="the condition"):
    """Polls until `condition` gives something true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds} s")
        time.sleep(0.05)


def main():
    bootstrap, wanted = sys.argv[1], sys.argv[2:] or list(TESTS)
    failed = 0
    for name in wanted:
        start = time.monotonic()
        try:
            TESTS[name](bootstrap)
            print(f"ok {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED {name} ({time.monotonic() - start:.1f} s)\n{traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)
