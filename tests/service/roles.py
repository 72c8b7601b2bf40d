"""An engine of tests as a program: its first argument says whether it is the service or its worker."""

import argparse
import sys
from collections.abc import Callable

from isa_engine.commands import serve


def play(work: Callable[[], None], *program: str) -> None:
    """Be what the first argument says; the others are those of ``isa-engine serve`` or of the worker.

    Args:
        work: be the worker.
        program: what Python is given to start this program: its file, or "-m" and its name.
    """
    if sys.argv.pop(1) == "worker":
        work()
    else:
        parser = argparse.ArgumentParser()
        serve.add_arguments(parser)
        serve.run(parser.parse_args(), worker=(sys.executable, *program, "worker"))
