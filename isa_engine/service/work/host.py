"""Whether an error is the job's own or the host's, and whether the host is well again.

A disk that is full or read-only, memory that others have, a GPU that went away: no job is to blame, and
the next one would fail as well. So the job is put back, and nothing begins until the host is well.
"""

import contextlib
import errno
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from isa_engine.client.protocol import Memory
from isa_engine.cost.memory import DOUBT
from isa_engine.errors import EngineError, IsaError
from isa_engine.models import describe
from isa_engine.models.work import work_of
from isa_engine.shot import Shot

FULL = "The engine's disk is full. Free some space in its data folder."
_FAILS = "The engine's disk fails. See the system's log."
_DEVICE = "A device of the engine went away. See the system's log."
_AWAY = "The engine's data folder went away. Mount its disk again."
_SENTENCES = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: "The engine's user may write no more to its disk. Raise the quota, or free some space.",
    errno.EROFS: "The engine's data folder can only be read. Mount its disk for writing.",
    errno.EACCES: "The engine may not write to its data folder. Give it to the engine's user.",
    errno.EMFILE: "The engine has no file descriptors left. Raise the limit (ulimit -n) or end some clients.",
    errno.ENFILE: "This machine has no file descriptors left. Raise fs.file-max, or end some programs.",
    errno.EIO: _FAILS,
    errno.ENODEV: _DEVICE,
    errno.ENXIO: _DEVICE,
    errno.ESTALE: _AWAY,
    errno.ENOTCONN: _AWAY,
    errno.ETIMEDOUT: _AWAY,
    errno.EBUSY: "Another program has locked the engine's queue. Wait until it ends, or end it.",
    errno.EPERM: "The engine may not write to its data folder. See its mount options and attributes.",
    errno.EFBIG: "The engine may write no file as large as this. Raise the limit (ulimit -f).",
    errno.EAGAIN: "The engine may start no more processes. Raise its limit (ulimit -u).",
    errno.ENOMEM: "This machine has no memory left. End some programs.",
    # Of Linux alone: a damaged file system, a disk that was taken out, one over the network that fails.
    **{
        getattr(errno, name): sentence
        for name, sentence in (("EUCLEAN", _FAILS), ("ENOMEDIUM", _DEVICE), ("EREMOTEIO", _FAILS))
        if hasattr(errno, name)
    },
}
_GPU = "The engine's GPU failed. See the system's log; the engine starts its worker anew."
_GPU_ERRORS = re.compile("CUDA error|CUDNN_STATUS|cuDNN error|device-side|CUBLAS_STATUS|HIP error")
# safetensors, written in Rust, tells the system's errors only as words in its message.
_OS_ERROR = re.compile(r"os error ([0-9]+)")
# Bytes of plate and matte for each of their pixels: more than any take needs.
_BYTES_A_PIXEL = 0.5
# A job that filled the disk begins again where there is so many times the room that its files took.
_MORE = 1.25


class NoMemory(EngineError):
    """Other programs have the memory that a job needs."""


class Host:
    """The machine and the data folder as one worker meets them.

    Args:
        data: the folder that jobs write to.
        free: bytes without which no job begins.
        memory: the device's, now; None: not known.
    """

    def __init__(self, data: Path, free: int, memory: Callable[[], Memory | None] = lambda: None):
        self.data, self.free, self.memory = data, free, memory
        self.wanted, self.wanted_memory = free, 0.0

    def trouble(self, error: BaseException) -> str:
        """The sentence for an error that is the host's; "": it is the job's own.

        Libraries that do not say what the system told them (numpy: "1000 requested and 0 written") are not
        believed where the disk is ill just now.
        """
        if found := _known(error):
            return found
        if not self.data.is_dir():
            return _AWAY
        return "" if isinstance(error, IsaError) else self.hindrance(thorough=True)

    def lost_device(self, error: BaseException) -> bool:
        """Whether only another process can use the GPU again."""
        return self.trouble(error) == _GPU

    def did_not_fit(self, folder: Path) -> None:
        """A job whose files are in a folder found no more room: it begins again where there is more."""
        size = 0
        with contextlib.suppress(OSError):
            size = sum(path.lstat().st_size for path in folder.rglob("*"))
        self.wanted = max(self.free, int(size * _MORE))

    def hindrance(self, thorough: bool) -> str:
        """Why no job can begin now; "": nothing stands in the way.

        Args:
            thorough: also try to write a file.
        """
        try:
            if shutil.disk_usage(self.data).free < self.wanted:
                return f"{FULL.removesuffix('.')}: {self.wanted / 2**30:.3g} GiB are needed."
            if short := self._short_of_memory():
                return short
            if thorough:
                with tempfile.NamedTemporaryFile(dir=self.data, prefix=".probe-") as file:
                    file.write(b"isa")
                    file.flush()
                    os.fsync(file.fileno())
        except FileNotFoundError:
            return _AWAY
        except OSError as error:
            return _known(error) or f"The engine's data folder cannot be used: {error.strerror}."
        self.wanted, self.wanted_memory = self.free, 0.0
        return ""

    def make_sure_of(self, shot: Shot) -> None:
        """That there is room for what becomes of a shot.

        Raises:
            OSError: there is not; ``hindrance`` waits for it.
        """
        needed = self.free + int(shot.frames * math.prod(shot.settings.plate_size) * _BYTES_A_PIXEL)
        if shutil.disk_usage(self.data).free < needed:
            self.wanted = needed
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def make_sure_of_memory(self, shot: Shot) -> None:
        """That there is memory for a shot beside its model, which is loaded.

        What is needed is an estimate: a job waits, or is refused, only where the least of it is too much.

        Raises:
            NoMemory: other programs have it; ``hindrance`` waits for it.
            EngineError: the device never has as much.
        """
        found = self.memory()
        if found is None:
            return
        model = describe(shot.settings.model)
        needed = model.memory_beside(work_of(shot, model))
        if needed / DOUBT > found.total:
            problem = f"the shot takes about {needed / 2**30:.3g} GiB of memory, and the engine's device has "
            remedy = "Generate fewer frames, or a smaller picture."
            raise EngineError(f"{problem}{found.total / 2**30:.3g}", where="shot", remedy=remedy)
        self.wanted_memory = needed / DOUBT
        if short := self._short_of_memory():
            raise NoMemory(short)
        self.wanted_memory = 0.0

    def _short_of_memory(self) -> str:
        found = self.memory() if self.wanted_memory else None
        if found is None or found.free >= self.wanted_memory:
            return ""
        needed, free = (f"{size / 2**30:.3g}" for size in (self.wanted_memory, found.free))
        return (
            "Other programs have the memory of the engine's device. End some of them: "
            f"{needed} GiB are needed, and {free} are free."
        )


def _known(error: BaseException) -> str:
    """The sentence for an error that says itself that it is the host's."""
    for each in _chain(error):
        text = str(each)
        if isinstance(each, NoMemory):
            return text
        if isinstance(each, OSError) and each.errno in _SENTENCES:
            return _SENTENCES[each.errno]
        if (found := _OS_ERROR.search(text)) and int(found[1]) in _SENTENCES:
            return _SENTENCES[int(found[1])]
        if isinstance(each, RuntimeError) and _GPU_ERRORS.search(text):
            return _GPU
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
