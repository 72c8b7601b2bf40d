"""What the process has freed, given back to the system.

Blocks of many sizes come and go while a take is denoised, and glibc's heap keeps the gaps between them, into
which the next do not fit: ever more, the longer the take.
"""

import ctypes
import sys


def give_back() -> None:
    """Give the system all pages of the heap on which nothing lies, where it is glibc's; else do nothing."""
    if _trim is not None:
        _trim(0)


def _found():
    # Whoever has another library, such as musl, has no such function.
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


_trim = _found()
