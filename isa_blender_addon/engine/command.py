"""A command of ``isa-engine`` at work in a process of its own, for which Blender does not wait."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from isa_engine.errors import Cancelled, EngineError

from .process import clean_environment, kill_tree, last_line, process_options

_PREFIX = "isa-engine: "


class RunningCommand:
    """On its way. Nothing blocks but ``wait``.

    Args:
        python: of the environment that has the command.
        arguments: the command's name, and what follows it.
        log: file that takes what it says.
        environment: variables of it beside Blender's.

    Raises:
        OSError: it cannot be started, or has no place for its log.
    """

    def __init__(
        self, python: str, *arguments: str | Path, log: Path, environment: Mapping[str, str] | None = None
    ):
        self._log, self._cancelled = log, False
        with open(log, "wb") as said:
            self._process = subprocess.Popen(
                [python, "-P", "-m", "isa_engine.cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=clean_environment(os.environ) | dict(environment or {}),
                **process_options(sys.platform),
            )

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    @property
    def said(self) -> str:
        """The last line of it that says something."""
        return last_line(self._log)

    def cancel(self) -> None:
        """End it, and whatever it started."""
        self._cancelled = True
        if not self.over:
            kill_tree(self._process, sys.platform)

    def wait(self) -> None:
        """Wait for its end.

        Raises:
            Cancelled: the artist did not want it any more.
            EngineError: it failed, and why.
        """
        self._process.wait()
        if not self._process.returncode:
            return
        if self._cancelled:
            raise Cancelled
        raise EngineError(self.said.removeprefix(_PREFIX) or "the engine's command ended without a word")
