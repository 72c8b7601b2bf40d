"""The painter of Wan-VACE."""

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.configuration.policies import POLICIES
from isa_engine.controls import grown_masks
from isa_engine.errors import ModelError
from isa_engine.geometry.frames import latent_count, pieces_of, segment_latents
from isa_engine.models.added import added
from isa_engine.pipeline.painter import Span
from isa_engine.pipeline.pictures import to_frames
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.pipeline.sampling import Velocity
from isa_engine.pipeline.vace import loading
from isa_engine.pipeline.vace.loading import VACE
from isa_engine.pipeline.vace.told import Told, background, told
from isa_engine.pipeline.velocity.memory import Memory
from isa_engine.pipeline.velocity.taylorseer import TaylorSeer
from isa_engine.shot import Shot

# Steps of the time that the network is told, between picture and noise.
_TIMES = 1000


def load(name: str, device: str) -> VACE:
    found = added(name)
    if found is None:
        raise ModelError(f"'{name}' was not added to this machine", remedy="Run isa-engine model add.")
    return loading.load(name, found, device)


def conditions(shot: Shot, model: VACE, segment: int) -> Told:
    return told(shot, model, segment)


def about(conditions: Told, model: VACE, span: Span) -> tuple[Told, Span]:
    return conditions, (0, conditions.control.shape[2] - conditions.references)


def latents_shape(shot: Shot, model: VACE, frames: int) -> tuple[int, ...]:
    pictures = sum(character.reference is not None for character in shot.characters)
    height, width = shot.settings.height // model.side, shot.settings.width // model.side
    return 1, model.vae.config.z_dim, pictures + latent_count(frames), height, width


def velocity(shot: Shot, model: VACE, conditions: Told, memory: Memory) -> Velocity:
    """Wan predicts ``ε − x0``, the house ``x0 − ε``: the sign turns here."""
    guidance, steps, policy = shot.settings.guidance, shot.settings.steps, POLICIES[shot.settings.policy]

    def predict(latents: Tensor, time: Tensor, words: Tensor) -> Tensor:
        kind = model.transformer.dtype
        with loading.attending(model.added.running.attention):
            return -model.transformer(
                hidden_states=latents.to(kind),
                timestep=(time * _TIMES).expand(len(latents)),
                encoder_hidden_states=words.to(kind),
                control_hidden_states=conditions.control.to(kind),
                return_dict=False,
            )[0].to(latents.dtype)

    def guided(latents: Tensor, time: Tensor, step: int) -> Tensor:
        said = predict(latents, time, conditions.words)
        if guidance == 1:
            return said
        unsaid = predict(latents, time, conditions.not_words)
        return unsaid + guidance * (said - unsaid)

    # What else policies spare is of points, which this kind does not read.
    return guided if policy.forecast == 1 else TaylorSeer(guided, policy, steps, memory)


def finished(latents: Tensor, model: VACE, conditions: Told) -> Tensor:
    return latents[:, :, conditions.references :]


def preview(estimate: Tensor, model: VACE, conditions: Told) -> Image.Image:
    first = estimate[:, :, conditions.references :][:, :, :1]
    return Image.fromarray(to_frames(model.decode(first).float())[0])


@torch.inference_mode()
def plate(
    latents: Tensor, model: VACE, shot: Shot, span: Span | None, report: Report
) -> Iterator[np.ndarray]:
    """Outside the grown mask the background's own pixels, where the shot has one."""
    size = shot.settings.width, shot.settings.height
    count, ends = len(shot.segments), segment_latents(shot.segments)
    for piece in pieces_of(shot.segments, span):
        report(Progress("decode", piece.segment, count))
        # The decoder remembers all frames before, so a span is cut out of its whole segment.
        video = to_frames(model.decode(latents[:, :, slice(*ends[piece.segment])]).float())
        kept, masks = background(shot, piece.segment), grown_masks(shot.segment(piece.segment), size)
        for frame, mask in enumerate(masks):
            if frame in piece.shown:
                yield video[frame] if kept is None else np.where(mask > 127, video[frame], kept[frame])
    report(Progress("decode", count, count))
