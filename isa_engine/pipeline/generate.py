"""Shot → plate, matte and record: the whole flow, in the order in which it happens."""

import contextlib
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.errors import EngineError
from isa_engine.geometry.frames import latent_count
from isa_engine.pipeline.conditioning import condition
from isa_engine.pipeline.matte import alpha_pictures, projected_matte
from isa_engine.pipeline.model import Model
from isa_engine.pipeline.pictures import to_frames
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.pipeline.record import container_tags, make_record, sha256
from isa_engine.pipeline.resume import Checkpoint, LatentsFile
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.video import cannot_write, replace_all, write_video
from isa_engine.provenance import configured_signer, sign
from isa_engine.shot import Shot, encode_shot
from isa_engine.vae.tiling import TiledVAE
from isa_engine.vae.video_vae import State

PLATE, MATTE, RECORD, SHOT = "plate.mp4", "matte.mp4", "record.json", "shot.npz"
_PREVIEWS = 6
# Latents decoded at once; bounds the memory of a long take.
_DECODED_AT_ONCE = 4
# Latent pixels of a tile's side; bounds the memory of a large canvas.
_TILE = 128
# As ``VideoVAE.decode_chunk``, to pictures.
ChunkDecoder = Callable[[Tensor, Any], tuple[Tensor, Any]]


@dataclass(frozen=True)
class Result:
    """Files that a generation leaves."""

    plate: Path
    matte: Path
    record: Path
    shot: Path


@torch.inference_mode()
def generate(
    shot: Shot,
    model: Model,
    out: Path,
    report: Report,
    checkpoint: Checkpoint | None = None,
    made: float | None = None,
) -> Result:
    """Make the plate of a shot.

    The same shot on the same machine gives the same bytes. Files appear all together at the end: until then,
    and if anything goes wrong or is cancelled, what stood in the folder stays.

    Args:
        out: folder; made if missing.
        report: called at every step; may raise ``Cancelled``.
        checkpoint: where latents are kept after each step, and from where to go on.
        made: seconds since 1970 that the results bear as their time; None: they bear none.

    Raises:
        ShotError: the shot does not suit the model, or a picture in it is damaged.
        EngineError: the folder cannot be written, or memory ran out.
        Cancelled: by ``report``.
    """
    result = Result(*(out / name for name in (PLATE, MATTE, RECORD, SHOT)))
    partial = {path.with_name(path.name + ".part"): path for path in vars(result).values()}
    plate_part, matte_part, record_part, shot_part = partial
    clock = _Clock()
    try:
        out.mkdir(parents=True, exist_ok=True)
        encoded = encode_shot(shot)
        shot_part.write_bytes(encoded)
        shot_hash = hashlib.sha256(encoded).hexdigest()

        report(Progress("encode", 0, 1))
        conditioning = condition(shot, model)
        clock.lap("encode")
        report(Progress("encode", 1, 1))

        latents_file = LatentsFile(checkpoint, shot_hash, model) if checkpoint else None
        latents = _denoise(shot, model, conditioning, report, latents_file)
        clock.lap("denoise")

        record = make_record(shot, shot_hash, model, made)
        latents = model.vae.denormalise(latents)
        frames = _decode(latents, TiledVAE(model.vae, _TILE).decode_chunk, shot.frames, report)
        write_video(plate_part, frames, shot.fps, shot.frame_step, container_tags(record, "Generated video"))
        clock.lap("decode")

        report(Progress("write", 0, 1))
        frames = _matte(latents, model, shot)
        tags = container_tags(record, f"Matte: {record['matte']}")
        write_video(matte_part, frames, shot.fps, shot.frame_step, tags)
        clock.lap("write")
        if signer := configured_signer():
            sign(plate_part, record, signer)
            sign(matte_part, record, signer)
        record["seconds"] = clock.seconds
        record["results"] = {PLATE: sha256(plate_part), MATTE: sha256(matte_part)}
        record_part.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        report(Progress("write", 1, 1))
        replace_all(partial)
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        remedy = "Generate fewer frames or a smaller canvas."
        raise EngineError(f"the engine's memory ({model.device}) is full", remedy=remedy) from error
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        for path in partial:
            with contextlib.suppress(OSError):
                path.unlink()
    return result


def _denoise(
    shot: Shot, model: Model, conditioning: Conditioning, report: Report, latents_file: LatentsFile | None
) -> Tensor:
    settings, vae = shot.settings, model.config.vae
    shape = (
        1,
        vae.latent_channels,
        latent_count(shot.frames),
        settings.height // vae.spatial_compression,
        settings.width // vae.spatial_compression,
    )
    interval = math.ceil(settings.steps / _PREVIEWS)

    def watch(done: int, estimate: Tensor) -> None:
        shows = done % interval == 0 and done < settings.steps
        report(Progress("denoise", done, settings.steps, _preview(estimate, model) if shows else None))

    report(Progress("denoise", 0, settings.steps))
    noise = initial_noise(shape, settings.seed).to(model.device)
    shift = model.config.shift
    return sample(
        model.velocity, conditioning, noise, settings.steps, settings.guidance, shift, watch, latents_file
    )


def _preview(estimate: Tensor, model: Model) -> Image.Image:
    """The first frame as the network imagines it so far: one latent decodes on its own."""
    frame = model.vae.decode(model.vae.denormalise(estimate[:, :, :1]))
    return Image.fromarray(to_frames(frame)[0])


def _matte(latents: Tensor, model: Model, shot: Shot) -> Iterator[np.ndarray]:
    """Frames ``(H, W, 3)`` uint8, white where the cast is."""
    if not model.trained:
        return projected_matte(shot, (shot.settings.width, shot.settings.height))

    def decode_chunk(chunk: Tensor, state: State | None) -> tuple[Tensor, State]:
        logits, state = model.matte_head.decode_chunk(chunk, state)
        return alpha_pictures(logits), state

    return _decode(latents, decode_chunk, shot.frames, lambda progress: None)


def _decode(latents: Tensor, decode_chunk: ChunkDecoder, frames: int, report: Report) -> Iterator[np.ndarray]:
    """Frames ``(H, W, 3)`` uint8, exactly as many as asked for, a few latents at a time."""
    state, given = None, 0
    chunks = latents.split(_DECODED_AT_ONCE, dim=2)
    for done, chunk in enumerate(chunks):
        report(Progress("decode", done, len(chunks)))
        video, state = decode_chunk(chunk, state)
        for frame in to_frames(video)[: frames - given]:
            yield frame
            given += 1
    report(Progress("decode", len(chunks), len(chunks)))


def _out_of_memory(error: Exception) -> bool:
    # On a CPU torch raises a bare RuntimeError.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "DefaultCPUAllocator" in str(error)


class _Clock:
    """Seconds by phase."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] = round(now - self._last, 2)
        self._last = now
