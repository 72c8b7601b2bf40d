"""A command that Blender is given in a terminal: its exit code, and its end by a signal."""

import signal
import sys
import threading
from collections.abc import Callable

from isa_engine.errors import Cancelled, IsaError


def exit_code(name: str, work: Callable[[threading.Event], None]) -> int:
    """Do a command's work: 0 it is done, 1 it is not and stderr says why, 130 it was interrupted.

    Args:
        name: of the command.
        work: raises an ``IsaError`` where it cannot go on, and ``Cancelled`` soon after the event that it is
            given, which SIGINT and SIGTERM set.
    """
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        work(stop)
    except Cancelled:
        print(f"{name}: interrupted", file=sys.stderr, flush=True)
        return 130
    except IsaError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        for number, handler in previous.items():
            # None: Blender's own, which Python cannot put back; the process is about to end.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    return 0
