"""Takes each defence out, in a copy of the project, and looks whether the test that guards it fails.

usage: python -m tests.security.mutations [TEXT ...]      only those whose threat or file has one of the texts

A line a defence; the exit code is not 0 where one can be taken out without its test noticing. A test that
only goes on for ever notices nothing: it has to say what is missing, in bounded time.
"""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.security.defences import DEFENCES, Defence

ROOT = Path(__file__).parents[2]
# Longer than pytest lets a test run, and than tests wait for what takes a second on an idle machine.
SECONDS = 400
# Of one file of a test: without the bound that it guards, an upload would otherwise fill the disk.
LARGEST_FILE = 2**28
# Pytest's exit codes: a test failed, all passed; and our own for one that did not end.
FAILED, PASSED, ENDLESS = 1, 0, -1
SAID = {FAILED: "noticed", PASSED: "NOT NOTICED", ENDLESS: "NOT NOTICED, WITHOUT END"}


def location(test: str) -> str:
    """A test as pytest finds it from the project's root."""
    return test if test.startswith("tests/") else f"tests/service/{test}"


def copied(folder: Path) -> Path:
    """The project as it is here, what git does not know left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0")[:-1]:
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


def outcome(project: Path, test: str) -> int:
    """Pytest's exit code for a test of a copy, or ``ENDLESS``."""
    # Most of pytest's start would be plugins that these tests do not use.
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "pytest_timeout"]
    environment = {"PYTHONPATH": str(project), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # What the test leaves goes with this folder.
    with (
        tempfile.TemporaryDirectory() as left,
        subprocess.Popen(
            [*command, "--basetemp", f"{left}/tests", location(test)],
            cwd=project,
            env={**os.environ, **environment, "TMPDIR": left},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE)),
        ) as tested,
    ):
        try:
            return tested.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return ENDLESS
        finally:
            # And whatever it started: a decoder without its limits goes on for ever.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(tested.pid, signal.SIGKILL)


def outcome_without(project: Path, defence: Defence) -> int:
    """``outcome`` of the test of a defence where that is taken out."""
    path = project / defence.file
    whole = path.read_text(encoding="utf-8")
    assert whole.count(defence.old) == 1, f"{defence.file}: {defence.old!r} is not there once"
    path.write_text(whole.replace(defence.old, defence.new), encoding="utf-8")
    try:
        return outcome(project, defence.test)
    finally:
        path.write_text(whole, encoding="utf-8")


def unnoticed(texts: tuple[str, ...] = ()) -> list[Defence]:
    """The defences that can be taken out without their tests noticing; each is said as it is tried."""
    chosen = [d for d in DEFENCES if not texts or any(text in d.threat + d.file for text in texts)]
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        project = copied(Path(folder))
        for number, defence in enumerate(chosen, 1):
            found = outcome_without(project, defence)
            missed += [] if found == FAILED else [defence]
            said = SAID.get(found, f"NOT TESTED, pytest's {found}")
            line = defence.old.strip().splitlines()[0]
            print(f"{number}/{len(chosen)} {said}: {defence.threat}: {line}", flush=True)
    return missed


if __name__ == "__main__":
    left = unnoticed(tuple(sys.argv[1:]))
    print(f"{len(left)} not noticed")
    sys.exit(bool(left))
