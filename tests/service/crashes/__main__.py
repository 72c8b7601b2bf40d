"""Every suite, and a table of what was lost.

usage: python -m tests.service.crashes [NAME ...]      only those whose name has one of the texts

As root, for it mounts disks. A row is printed when its suite and those above it have ended. The exit code is
not 0 where one came out otherwise than it must: where a defence is taken away, something must be lost.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

from tests.service.crashes.ledger import Outcome
from tests.service.crashes.suites import SUITES

HEAD = """| what happens | times | jobs | began again | lost | twice | other bytes | seconds |
|---|---|---|---|---|---|---|---|"""
# Trials at once. Most of a trial is waiting for a process to start or for a disk.
AT_ONCE = 4


def tried(trial: Callable[[Path], Outcome]) -> Outcome:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        return replace(trial(Path(folder)), seconds=time.monotonic() - began)


def row(name: str, found: Outcome) -> str:
    """A suite's row of the table."""
    cells = (found.tries, found.jobs, found.struck, found.lost, found.twice, found.other)
    return f"| {name} | {' | '.join(map(str, cells))} | {found.seconds:.0f} |"


if __name__ == "__main__":
    chosen = [name for name in SUITES if any(text in name for text in sys.argv[1:] or [""])]
    began, right = time.monotonic(), True
    print(HEAD, flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        trials = {name: [pool.submit(tried, trial) for trial in SUITES[name].trials] for name in chosen}
        for name in chosen:
            try:
                found = reduce(add, (trial.result() for trial in trials[name]))
                line, well = row(name, found), found.whole == SUITES[name].whole
            except AssertionError as error:
                # What was waited for did not come. The others go on.
                line, well = f"| {name} | {error} |", False
            print(line if well else f"{line} WRONG", flush=True)
            right &= well
    print(f"\n{'All as it must be' if right else 'WRONG'}, in {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(not right)
