"""What a lent machine can do, measured in less than two minutes while its first clips are rendered.

Every measurement fails alone: what is broken there is told, and the rest is measured.
"""

import dataclasses
import importlib.metadata
import json
import os
import platform
import shutil
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch

from isa_engine.configuration import model_config
from isa_engine.networks.compiling import compile_blocks
from isa_engine.pipeline.isa.model import Model
from isa_engine.training.batches.device_batches import DeviceBatches
from isa_engine.training.dit.trainer import DiTTrainer
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import draws_of_dit
from isa_engine.training.runs.encoding_model import encoding_model
from isa_engine.training.runs.parallel import make_accelerator
from isa_engine.training.sprint.clock import Clock, within
from isa_engine.training.sprint.recipe import SprintTraining
from isa_engine.training.sprint.ring_place import PLACES, PROBED, open_ring
from isa_engine.training.sprint.transformer import middle_length

# Seconds in which a speed is measured, in parts that tell whether it has settled; in which every kind of
# batch should have come before; and that compiling may take.
_MEASURED, _PARTS, _SETTLES, _COMPILES = 9.0, 3, 8.0, 50.0
# Steps whose kernels are timed one by one, and how many of these are told.
_PROFILED, _TOLD = 3, 12
_PACKAGES = ("torch", "numpy", "diffusers", "transformers", "accelerate", "open_clip_torch", "peft")


def probe(
    settings: SprintTraining, device: str, clock: Clock, ring: str, writers: int | None
) -> dict[str, Any]:
    """Start the feeder, measure, and recommend.

    Returns:
        What was measured, by name: a mapping, or ``{"failed": why}``.
    """
    found: dict[str, Any] = {}

    def measure(name: str, what: Callable[[], Any]) -> Any:
        try:
            found[name] = what()
        except Exception as error:
            found[name] = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(f"{name}: {json.dumps(found[name])}", flush=True)
        return found[name]

    measure("machine", lambda: _machine(device))
    draws = draws_of_dit(settings)
    reprojects, points = model_config(settings.model).reprojects, settings.most_points
    clips = open_ring(ring, draws, points, settings.ring_reuse, settings.seed, writers, reprojects)
    measure("ring", lambda: _ring(clips))
    model = encoding_model(settings, device)
    if device == "cuda":
        measure("convolutions", lambda: _convolutions(device))
    middle = [draw for draw in draws if draw.frames == middle_length(settings)]
    measure("first clips", lambda: _waited(DeviceBatches(clips, middle, model, settings.points)))
    began = time.monotonic(), int(clips.written.sum()), clips.written_frames
    for compiled in (False, True) if device == "cuda" else (False,):
        for batch in (settings.batch, 2 * settings.batch):
            if clock.left > (_COMPILES if compiled else 0) + _SETTLES + 2 * _MEASURED:
                measure(
                    f"{'compiled' if compiled else 'eager'} {batch}",
                    lambda compiled=compiled, batch=batch: _speed(
                        dataclasses.replace(settings, batch=batch), clips, model, device, compiled, clock
                    ),
                )
    if device == "cuda":
        measure("kernels", lambda: _kernels(settings, clips, model, device))
        measure("waits", lambda: _waits(settings, clips, model, device))
    measure("feed", lambda: _feed(clips, *began))
    found["recommended"] = recommend(found)
    (clips.folder / PROBED).write_text(json.dumps(found))
    return found


def recommend(found: dict[str, Any]) -> dict[str, Any]:
    """The fastest way of those that were measured, and how often it will see each clip."""
    speeds = {
        name: values["latent_frames_a_second"]
        for name, values in found.items()
        if name.startswith(("eager", "compiled")) and "failed" not in values
    }
    if not speeds:
        return {"failed": "no step could be taken"}
    best = max(speeds, key=speeds.__getitem__)
    way, batch = best.split()
    recommended = {"compiled": way == "compiled", "batch": int(batch), "latent_frames_a_second": speeds[best]}
    frames = found.get("feed", {}).get("frames_a_second")
    if frames:
        # A latent frame stands for four frames, but for the first.
        recommended["times_each_clip_is_seen"] = round(speeds[best] * 3 / frames, 1)
    return recommended


def table(found: dict[str, Any]) -> str:
    """For a person."""
    lines = []
    for name, values in found.items():
        told = "  ".join(f"{key} {value}" for key, value in values.items())
        lines.append(f"{name:<16}{told}")
    return "\n".join(lines)


def _machine(device: str) -> dict[str, Any]:
    free = {str(place): shutil.disk_usage(place).free // 2**20 for place in PLACES}
    about = {"python": platform.python_version(), "cores": os.cpu_count(), "free_mib": free}
    about |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        about |= {"gpu": properties.name, "gpu_mib": properties.total_memory // 2**20}
    return about


def _ring(ring: Ring) -> dict[str, Any]:
    shelves = {f"{s.frames}x{s.width}x{s.height}": s.slots for s in ring.layout.shelves}
    size = os.path.getsize(ring.folder / "clips")
    return {
        "folder": str(ring.folder),
        "mib": size // 2**20,
        "writers": ring.layout.writers,
        "slots": shelves,
    }


def _waited(batches: DeviceBatches) -> dict[str, Any]:
    """Until there are enough of them."""
    began = time.monotonic()
    batches.wait()
    return {"seconds": round(time.monotonic() - began, 1)}


def _feed(ring: Ring, began: float, clips: int, frames: int) -> dict[str, Any]:
    seconds = time.monotonic() - began
    return {
        "seconds": round(seconds, 1),
        "clips_a_second": round((int(ring.written.sum()) - clips) / seconds, 2),
        "frames_a_second": round((ring.written_frames - frames) / seconds, 1),
        "clips": ring.filled().tolist(),
    }


def _trainer(settings: SprintTraining, ring: Ring, model: Model, device: str) -> DiTTrainer:
    """One that draws, encodes and learns as a sprint's does."""
    batches = DeviceBatches(ring, draws_of_dit(settings), model, settings.points)
    return DiTTrainer(settings, batches, make_accelerator(device))


def _speed(
    settings: SprintTraining, ring: Ring, model: Model, device: str, compiled: bool, clock: Clock
) -> dict[str, Any]:
    """Of whole steps: drawing, encoding and learning, of all kinds of batch that there are clips for."""
    trainer = _trainer(settings, ring, model, device)
    on_gpu = device == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        before = time.monotonic()
        if compiled:
            compile_blocks(trainer.networks.dit.transformer_blocks)
        with within(min(_COMPILES, max(1.0, clock.left - 2 * _MEASURED))):
            # By then every kind has come: what it compiles is kept on the disk for the training.
            while trainer.steps_done < 4 or (
                time.monotonic() - before < _SETTLES and trainer.steps_done < 40
            ):
                loss = float(trainer.step()["loss"])
        first_steps = time.monotonic() - before
        began, shown, steps = time.monotonic(), trainer.batches.latent_frames, trainer.steps_done
        settling = []
        for _ in range(_PARTS):
            part, done = time.monotonic(), trainer.steps_done
            while time.monotonic() - part < _MEASURED / _PARTS:
                loss = trainer.step()["loss"]
            float(loss)
            settling.append(round((trainer.steps_done - done) / (time.monotonic() - part), 2))
        seconds = time.monotonic() - began
    finally:
        if compiled:
            torch._dynamo.reset()
    measured = {
        "latent_frames_a_second": round((trainer.batches.latent_frames - shown) / seconds, 1),
        "steps_a_second": round((trainer.steps_done - steps) / seconds, 2),
        "in_parts": settling,
        "first_steps_seconds": round(first_steps, 1),
        "loss": round(float(loss), 3),
    }
    if on_gpu:
        measured["peak_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 1)
    return measured


def _kernels(settings: SprintTraining, ring: Ring, model: Model, device: str) -> dict[str, Any]:
    """What a step costs the device, and which kernels cost most, in milliseconds: where a step takes much
    longer than its kernels together, the processor is what it waits for."""
    trainer = _trainer(settings, ring, model, device)
    for _ in range(_PROFILED):
        trainer.step()
    torch.cuda.synchronize()
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        for _ in range(_PROFILED):
            trainer.step()
        torch.cuda.synchronize()
    events = profile.key_averages()
    kernels = [event for event in events if event.device_type == torch.autograd.DeviceType.CUDA]
    kernels.sort(key=lambda event: event.self_device_time_total, reverse=True)
    on_host = sum(event.self_cpu_time_total for event in events) / _PROFILED / 1000
    most = {
        event.key[:60]: [round(event.self_device_time_total / _PROFILED / 1000, 2), event.count // _PROFILED]
        for event in kernels[:_TOLD]
    }
    return {
        "device_ms": round(sum(k.self_device_time_total for k in kernels) / _PROFILED / 1000, 1),
        "host_ms": round(on_host, 1),
        "count": sum(kernel.count for kernel in kernels) // _PROFILED,
        "most_ms_and_count": most,
    }


def _waits(settings: SprintTraining, ring: Ring, model: Model, device: str) -> dict[str, Any]:
    """How often a step makes the processor wait for the device, which nothing in it should, and where."""
    trainer = _trainer(settings, ring, model, device)
    trainer.step()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            trainer.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    waits = [each for each in told if "synchron" in str(each.message)]
    return {"in_a_step": len(waits), "at": sorted({f"{each.filename}:{each.lineno}" for each in waits})[:8]}


def _convolutions(device: str) -> dict[str, Any]:
    """Milliseconds of the encoder's widest kernel in bfloat16, as conv2d and as conv3d."""
    pictures = torch.randn(128, 256, 16, 16, device=device, dtype=torch.bfloat16)
    weight = torch.randn(256, 256, 3, 3, device=device, dtype=torch.bfloat16)
    ways = {
        "conv2d_ms": lambda: torch.nn.functional.conv2d(pictures, weight, padding=1),
        "conv3d_ms": lambda: torch.nn.functional.conv3d(
            pictures.view(-1, 1, 256, 16, 16).transpose(1, 2), weight[:, :, None], padding=(0, 1, 1)
        ),
    }
    took = {}
    for name, way in ways.items():
        for repeats in (3, 20):
            torch.cuda.synchronize()
            began = time.monotonic()
            for _ in range(repeats):
                way()
            torch.cuda.synchronize()
            took[name] = round(1000 * (time.monotonic() - began) / repeats, 3)
    return took
