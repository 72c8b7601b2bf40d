"""Every suite, one after the other, and a table of what was lost.

usage: python -m tests.service.crashes [NAME ...]      only those whose name has one of the texts

As root, for it mounts disks. A row is printed as its suite ends. The exit code is not 0 where one came out
otherwise than it must: where a defence is taken away, something must be lost.
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.service.crashes.suites import SUITES, Suite

HEAD = """| what happens | times | jobs | began again | lost | twice | other bytes | seconds |
|---|---|---|---|---|---|---|---|"""


def row(name: str, suite: Suite) -> tuple[str, bool]:
    """A suite's row of the table, and whether it came out as it must."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = replace(suite.run(Path(folder)), seconds=time.monotonic() - began)
    cells = (found.tries, found.jobs, found.struck, found.lost, found.twice, found.other)
    return f"| {name} | {' | '.join(map(str, cells))} | {found.seconds:.0f} |", found.whole == suite.whole


if __name__ == "__main__":
    chosen = [name for name in SUITES if any(text in name for text in sys.argv[1:] or [""])]
    print(HEAD, flush=True)
    right = True
    for name in chosen:
        line, well = row(name, SUITES[name])
        print(line if well else f"{line} WRONG", flush=True)
        right &= well
    sys.exit(not right)
