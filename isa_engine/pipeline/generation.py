"""Shot → plate, matte and record: the whole flow, in the order in which it happens."""

import contextlib
import hashlib
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.configuration import PREVIEWS
from isa_engine.configuration.policies import POLICIES
from isa_engine.errors import EngineError, ran_out_of_memory
from isa_engine.geometry.frames import latent_count
from isa_engine.pipeline.conditioning import condition_shot
from isa_engine.pipeline.decode import decode_matte, decode_plate
from isa_engine.pipeline.model import Model
from isa_engine.pipeline.pictures import to_frames
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.pipeline.resume import Checkpoint, LatentsFile
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.velocity import Memory, velocity_of
from isa_engine.results.files import MATTE, NAMES, PLATE, Result, results_in
from isa_engine.results.provenance import configured_signer, sign
from isa_engine.results.record import container_tags, make_record, sha256
from isa_engine.results.video import write_video
from isa_engine.shot import Shot, encode_shot


@torch.inference_mode()
def generate(
    shot: Shot,
    model: Model,
    out: Path,
    report: Report,
    checkpoint: Checkpoint | None = None,
    made: float | None = None,
    encoded: bytes | None = None,
) -> Result:
    """Make the plate of a shot.

    The same shot on the same machine gives the same bytes. Files appear all together at the end: until then,
    and if anything goes wrong or is cancelled, what stood in the folder stays.

    Args:
        out: folder; made if missing.
        report: called at every step; may raise ``Cancelled``.
        checkpoint: where latents are kept after each step, and from where to go on.
        made: seconds since 1970 that the results bear as their time; None: they bear none.
        encoded: the shot's file, where there is one: it goes to the results as it is.

    Raises:
        ShotError: the shot does not suit the model, or a picture in it is damaged.
        EngineError: the folder cannot be written, or memory ran out.
        Cancelled: by ``report``.
    """
    clock = Clock()
    with memory_of(model), results_in(out) as parts:
        encoded = encoded or encode_shot(shot)
        parts.shot.write_bytes(encoded)
        digest = hashlib.sha256(encoded).hexdigest()
        latents = denoise(shot, digest, model, report, checkpoint, clock)
        record = make_record(shot, digest, model, made)
        plate = decode_plate(latents, model, shot, report=report)
        write_results(parts, shot, record, plate, decode_matte(latents, model, shot), report, clock)
    return Result(*(out / name for name in NAMES))


@torch.inference_mode()
def denoise(
    shot: Shot,
    shot_hash: str,
    model: Model,
    report: Report,
    checkpoint: Checkpoint | None = None,
    clock: "Clock | None" = None,
) -> Tensor:
    """The whole take's latents ``(1, C, t, h, w)``, as the decoder wants them, one segment after the other.

    Every latent of a segment attends to every other at every step, so this cannot be cut in time.

    Args:
        shot_hash: SHA-256 of the shot file.

    Other arguments and errors as of ``generate``.
    """
    clock = clock or Clock()
    steps, segments = shot.settings.steps, len(shot.segments)
    kept = LatentsFile(checkpoint, shot_hash, model, steps) if checkpoint else None
    interval = math.ceil(steps / PREVIEWS)
    made = []
    for number, frames in enumerate(shot.segments):
        report(Progress("encode", number, segments))
        conditioning = condition_shot(shot, model, number)
        clock.lap("encode")
        report(Progress("encode", number + 1, segments))
        before = number * steps
        report(Progress("denoise", before, segments * steps))
        latents = initial_noise(_shape(shot, frames, model), shot.settings.seed).to(model.device)
        done, memory = 0, {}
        if kept:
            kept.begin(number)
            done, latents, memory = kept.load(latents)

        def watch(done, latents, estimate, before: int = before, memory: Memory = memory) -> None:
            if kept:
                kept.save(done, latents, memory if done < steps else {})
            shows = done % interval == 0 and done < steps
            preview = _preview(estimate, model) if shows else None
            report(Progress("denoise", before + done, segments * steps, preview))

        policy = POLICIES[shot.settings.policy]
        velocity = velocity_of(model.predict, conditioning, shot.settings.guidance, steps, policy, memory)
        made.append(sample(velocity, latents, steps, model.config.shift, watch, done))
        clock.lap("denoise")
    return model.vae.denormalise(torch.cat(made, 2))


def _shape(shot: Shot, frames: int, model: Model) -> tuple[int, ...]:
    """Of the latents of so many of a shot's frames."""
    vae, settings = model.config.vae, shot.settings
    side = vae.spatial_compression
    return 1, vae.latent_channels, latent_count(frames), settings.height // side, settings.width // side


def write_results(
    parts: Result,
    shot: Shot,
    record: dict[str, Any],
    plate: Iterator[np.ndarray],
    matte: Iterator[np.ndarray],
    report: Report,
    clock: "Clock | None" = None,
) -> None:
    """Plate, matte and record of a take from its frames, consumed as they come.

    Args:
        parts: where the files go.
        record: of ``make_record``; hashes and seconds are added to it.
        plate, matte: as many frames as the shot has, ``(H, W, 3)`` uint8.
    """
    clock = clock or Clock()
    timing = shot.fps, shot.frame_step
    write_video(parts.plate, plate, *timing, container_tags(record, "Generated video"))
    clock.lap("decode")
    report(Progress("write", 0, 1))
    write_video(parts.matte, matte, *timing, container_tags(record, f"Matte: {record['matte']}"))
    clock.lap("write")
    if signer := configured_signer():
        sign(parts.plate, record, signer)
        sign(parts.matte, record, signer)
    record["seconds"] = {**record.get("seconds", {}), **clock.seconds}
    record["results"] = {PLATE: sha256(parts.plate), MATTE: sha256(parts.matte)}
    parts.record.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    report(Progress("write", 1, 1))


@contextlib.contextmanager
def memory_of(model: Model) -> Iterator[None]:
    """Memory that runs out is said in a sentence.

    Raises:
        EngineError: it ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
        remedy = "Generate fewer frames or a smaller canvas."
        raise EngineError(f"the engine's memory ({model.device}) is full", remedy=remedy) from error


def _preview(estimate: Tensor, model: Model) -> Image.Image:
    """The first frame as the network imagines it so far: one latent decodes on its own."""
    frame = model.vae.decode(model.vae.denormalise(estimate[:, :, :1]))
    return Image.fromarray(to_frames(frame)[0])


class Clock:
    """Seconds by phase."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + now - self._last, 2)
        self._last = now
