"""The service's memory, most of which is code: what never runs is not loaded, and threads share one heap."""

import ctypes
import sys

# A parameter of glibc's mallopt.
_ARENA_MAX = -8


def stay_small() -> None:
    """To be called once, before the application is made and any thread begins."""
    # FastAPI asks of every type whether it is one of pydantic's first version, and for that alone imports
    # all of it: 2 MiB. Where Python refuses the import, as it does for None, FastAPI knows that none is.
    sys.modules.setdefault("pydantic.v1", None)
    if sys.platform == "linux":
        # Otherwise glibc has a heap for each thread, and each keeps what its thread needs no longer. musl,
        # which has no such function, has one heap anyway.
        if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
            mallopt(_ARENA_MAX, 1)
