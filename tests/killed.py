"""A process that is killed in the midst of its work on files, played in this one."""

import contextlib
import itertools
import os
from collections.abc import Iterator

import pytest

_STEPS = ("replace", "rename", "link", "mkdir", "rmdir", "unlink")


class Killed(BaseException):
    """A process that is killed does nothing more, tidying neither."""


@contextlib.contextmanager
def killed_after(steps: int) -> Iterator[itertools.count]:
    """What is done within ends as its process is to take another step with files after so many.

    Yields:
        whose next number is how many steps were to be taken.
    """
    done = itertools.count()

    def deadly(act):
        def step(*given, **options):
            if next(done) >= steps:
                raise Killed
            return act(*given, **options)

        return step

    with contextlib.suppress(Killed), pytest.MonkeyPatch.context() as patched:
        for name in _STEPS:
            patched.setattr(os, name, deadly(getattr(os, name)))
        yield done
