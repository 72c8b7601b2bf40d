"""Shot → plate, matte and record: the whole flow, in the order in which it happens."""

import contextlib
import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isa_engine.configuration import PREVIEWS
from isa_engine.errors import EngineError, ran_out_of_memory
from isa_engine.models import steered_by
from isa_engine.pipeline.background import forget_background
from isa_engine.pipeline.drawn import drawn_pictures, forget_drawn
from isa_engine.pipeline.heap import give_back
from isa_engine.pipeline.matte import projected_matte
from isa_engine.pipeline.painter import Loaded, painter_of
from isa_engine.pipeline.progress import Progress, Report, Steps
from isa_engine.pipeline.resume import Checkpoint, LatentsFile
from isa_engine.pipeline.sampling import sample
from isa_engine.pipeline.segments import segments_of, shown
from isa_engine.pipeline.velocity.memory import Memory
from isa_engine.results.files import LATENTS, MATTE, NAMES, PLATE, Result, results_in, write_array
from isa_engine.results.provenance import configured_signer, sign
from isa_engine.results.record import container_tags, make_record, sha256
from isa_engine.results.video import write_video
from isa_engine.shot import Shot, encode_shot


@torch.inference_mode()
def generate(
    shot: Shot,
    model: Loaded,
    out: Path,
    report: Report,
    checkpoint: Checkpoint | None = None,
    made: float | None = None,
    file: Path | None = None,
) -> Result:
    """Make the plate of a shot.

    The same shot on the same machine gives the same bytes. Files appear all together at the end: until then,
    and if anything goes wrong or is cancelled, what stood in the folder stays.

    Args:
        out: folder; made if missing.
        report: called at every step; may raise ``Cancelled``.
        checkpoint: where latents are kept after each step, and from where to go on.
        made: seconds since 1970 that the results bear as their time; None: they bear none.
        file: the shot's, where there is one: it goes to the results as it is.

    Raises:
        ShotError: the shot does not suit the model, or a picture in it is damaged.
        EngineError: the folder cannot be written, or memory ran out.
        Cancelled: by ``report``.
    """
    clock = Clock()
    with memory_of(model), results_in(out) as parts:
        if file is None:
            parts.shot.write_bytes(encode_shot(shot))
        else:
            shutil.copyfile(file, parts.shot)
        digest = sha256(parts.shot)
        controls = control_hashes(shot, model, report)
        latents = denoise(shot, digest, model, report, checkpoint, clock)
        # What denoising leaves free lies in blocks that decoding has no use for.
        give_back()
        record = make_record(shot, digest, model, controls, made)
        plate, matte = plate_and_matte(latents, model, shot, report)
        kept = latents[0].cpu().numpy()
        write_results(parts, shot, record, kept, plate, matte, report, clock)
    return Result(*(out / name for name in NAMES))


def control_hashes(shot: Shot, model: Loaded, report: Report) -> dict[str, str]:
    """SHA-256 of the pixels of each picture that steers the model, of all frames one after the other; where
    people are painted one by one, of what steers it to each of them, one after the other.

    Raises:
        Cancelled: by ``report``.
    """
    names = steered_by(model, shot.settings.steering, shot.settings.painted)
    if not names:
        return {}
    everybody = tuple(range(len(shot.characters)))
    each = [(who,) for who in everybody] if shot.settings.one_by_one else [everybody]
    casts = {name: each if name in model.steering else [everybody] for name in names}
    steps, found = Steps(report, "encode", shot.frames * sum(map(len, casts.values()))), {}
    for name in names:
        digest = hashlib.sha256()
        for cast in casts[name]:
            for picture in steps.each(drawn_pictures(shot, name, range(shot.frames), cast)):
                digest.update(np.ascontiguousarray(picture))
        found[name] = digest.hexdigest()
    return found


@torch.inference_mode()
def denoise(
    shot: Shot,
    shot_hash: str,
    model: Loaded,
    report: Report,
    checkpoint: Checkpoint | None = None,
    clock: "Clock | None" = None,
) -> Tensor:
    """The whole take's latents ``(1, C, t, h, w)``, finished, one segment after the other, each of them in
    the parts that its model wants.

    Over its steps every latent of a part depends on every other, so this cannot be cut in time. Where the
    shot keeps some of an earlier take, these are what they were, bit for bit.

    Args:
        shot_hash: SHA-256 of the shot file.

    Other arguments and errors as of ``generate``.
    """
    clock, painter, steps = clock or Clock(), painter_of(model), shot.settings.steps
    segments = segments_of(shot, model)
    parts = [
        (number, part)
        for number, segment in enumerate(segments)
        if segment.again.any()
        for part in painter.parts(shot, model, number, segment.again, report)
    ]
    saved = LatentsFile(checkpoint, shot_hash, model, steps) if checkpoint else None
    interval, total = math.ceil(steps / PREVIEWS), len(parts) * steps
    for place, (number, part) in enumerate(parts):
        segment, before = segments[number], place * steps
        done, latents, memory = 0, segment.noise_of(part), {}
        if saved:
            saved.begin(place)
            done, latents, memory = saved.load(latents)
        if done < steps:
            told = painter.conditions(shot, model, number, part, segment.latents, report)
            clock.lap("encode")
            report(Progress("denoise", before + done, total))

            def watch(done, latents, estimate, before=before, memory: Memory = memory, part=part) -> None:
                if saved:
                    saved.save(done, latents, memory if done < steps else {})
                shows = done % interval == 0 and done < steps
                preview = painter.preview(shown(estimate, part), model) if shows else None
                report(Progress("denoise", before + done, total, preview))

            velocity = segment.hold(painter.velocity(shot, model, told, memory), part)
            latents = sample(velocity, latents, steps, model.shift, watch, done)
            clock.lap("denoise")
        segments[number] = segment.after(latents, part)
    return torch.cat([segment.latents for segment in segments], 2)


def plate_and_matte(
    latents: Tensor, model: Loaded, shot: Shot, report: Report
) -> tuple[Iterator[np.ndarray], Iterator[np.ndarray]]:
    """The frames of the whole take, as of ``Painter.frames``; the matte is the model's own, or the projected
    body."""
    plate, matte = painter_of(model).frames(latents, model, shot, None, report)
    canvas = shot.settings.width, shot.settings.height
    return plate, projected_matte(shot, canvas) if matte is None else matte


def write_results(
    parts: Result,
    shot: Shot,
    record: dict[str, Any],
    latents: np.ndarray,
    plate: Iterator[np.ndarray],
    matte: Iterator[np.ndarray],
    report: Report,
    clock: "Clock | None" = None,
) -> None:
    """Plate, matte, latents and record of a take; its frames are consumed as they come.

    Args:
        parts: where the files go.
        record: of ``make_record``; hashes and seconds are added to it.
        latents: the whole take's, finished, ``(C, t, h, w)``: what another take may keep of this one.
        plate, matte: as many frames as the shot has, ``(H, W, 3)`` uint8.
    """
    clock = clock or Clock()
    timing = shot.fps, shot.frame_step
    write_video(parts.plate, plate, *timing, container_tags(record, "Generated video"))
    clock.lap("decode")
    # The matte's frames, and what is left after them.
    steps = Steps(report, "write", shot.frames + 1)
    write_video(parts.matte, steps.each(matte), *timing, container_tags(record, f"Matte: {record['matte']}"))
    clock.lap("write")
    write_array(parts.latents, latents.astype(np.float32, copy=False))
    if signer := configured_signer():
        sign(parts.plate, record, signer)
        sign(parts.matte, record, signer)
    record["seconds"] = {**record.get("seconds", {}), **clock.seconds}
    files = {PLATE: parts.plate, MATTE: parts.matte, LATENTS: parts.latents}
    record["results"] = {name: sha256(path) for name, path in files.items()}
    parts.record.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    steps.done()


@contextlib.contextmanager
def memory_of(model: Loaded) -> Iterator[None]:
    """Memory that runs out is said in a sentence, and none is held afterwards.

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
    finally:
        forget_background()
        forget_drawn()


class Clock:
    """Seconds by phase."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """What has passed since the last lap, or since the beginning, was of this phase."""
        now = time.perf_counter()
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + now - self._last, 2)
        self._last = now
