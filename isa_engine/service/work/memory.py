"""How much memory a worker's device has."""

from pathlib import Path

from isa_engine.client.protocol import Memory

_MEMINFO = Path("/proc/meminfo")


def device_memory(device: str) -> Memory | None:
    """Of a device of torch; None where it is not one of this machine, or the system does not tell."""
    kind = device.partition(":")[0]
    if kind == "cuda":
        import torch

        free, total = torch.cuda.mem_get_info(device)
        # What torch keeps for itself is free for the next job.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return Memory(free + kept, total)
    return machine_memory() if kind in ("cpu", "mps") else None


def machine_memory() -> Memory | None:
    """Of this machine, where Linux tells."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
    except OSError:
        return None
    free, total = (int(lines[name].split()[0]) * 2**10 for name in ("MemAvailable", "MemTotal"))
    return Memory(free, total)
