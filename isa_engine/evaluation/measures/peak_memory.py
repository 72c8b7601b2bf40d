"""The most memory that a piece of work had in use at any time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Peak:
    """A peak in bytes: on a GPU of the device, else of the process; None if this system does not tell."""

    bytes: int | None = None


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Peak]:
    """Measure the work within; the peak is filled in when it is done."""
    peak = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device)
        return
    try:
        # Writing 5 makes Linux reset the process's peak.
        _RESET.write_text("5")
    except OSError:
        yield peak
        return
    yield peak
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    peak.bytes = int(line.split()[1]) * 1024
