"""The painter of Wan-VACE."""

import logging
from collections.abc import Iterator

import numpy as np
from PIL import Image
from torch import Tensor

from isa_engine.configuration.policies import POLICIES
from isa_engine.errors import ModelError
from isa_engine.geometry.frames import latent_count, pieces_of
from isa_engine.models.added import added
from isa_engine.models.refusal import check
from isa_engine.pipeline.painter import Span
from isa_engine.pipeline.progress import Report, Steps
from isa_engine.pipeline.sampling import Velocity
from isa_engine.pipeline.vace import loading
from isa_engine.pipeline.vace.cache import FirstBlockCache
from isa_engine.pipeline.vace.decoding import decoded, plate_frames
from isa_engine.pipeline.vace.loading import VACE
from isa_engine.pipeline.vace.passes import Pass, passes_of, pictures_of
from isa_engine.pipeline.vace.told import Told, told
from isa_engine.pipeline.velocity import Memory, forecast, spared
from isa_engine.shot import Shot

log = logging.getLogger(__name__)

# Steps of the time that the network is told, between picture and noise.
_TIMES = 1000


def load(name: str, device: str) -> VACE:
    found = added(name)
    if found is None:
        raise ModelError(f"'{name}' was not added to this machine", remedy="Run isa-engine model add.")
    return loading.load(name, found, device)


def compiled(model: VACE) -> VACE:
    log.warning("'%s' is not compiled: only the engine's own models are", model.name)
    return model


def parameters(name: str) -> dict[str, dict[str, int]]:
    return {part: {"weights": count} for part, count in added(name).parameters.items()}


def parts(shot: Shot, model: VACE, segment: int, again: Tensor, report: Report) -> list[Pass]:
    check(model.description, shot)
    return passes_of(shot, model.side, segment, again, report)


def conditions(shot: Shot, model: VACE, segment: int, part: Pass, latents: Tensor, report: Report) -> Told:
    return told(shot, model, segment, part, latents, report)


def latents_shape(shot: Shot, model: VACE, frames: int) -> tuple[int, ...]:
    height, width = shot.settings.height // model.side, shot.settings.width // model.side
    pictures = pictures_of(shot, range(len(shot.characters)))
    return 1, model.vae.config.z_dim, pictures + latent_count(frames), height, width


def velocity(shot: Shot, model: VACE, conditions: Told, memory: Memory) -> Velocity:
    """Wan predicts ``ε − x0``, the house ``x0 − ε``: the sign turns here."""
    guidance, steps, policy = shot.settings.guidance, shot.settings.steps, POLICIES[shot.settings.policy]
    running, branches = model.added.running, {"said": conditions.words, "unsaid": conditions.not_words}

    def predict(latents: Tensor, time: Tensor, branch: str) -> Tensor:
        kind = model.transformer.dtype
        with loading.attending(running.attention), model.transformer.cache_context(branch):
            return -model.transformer(
                hidden_states=latents.to(kind),
                timestep=(time * _TIMES).expand(len(latents)),
                encoder_hidden_states=branches[branch].to(kind),
                control_hidden_states=conditions.control.to(kind),
                return_dict=False,
            )[0].to(latents.dtype)

    cache = FirstBlockCache(predict, model.transformer, running.cache, memory) if running.cache else None
    network = cache or predict

    def told_not(latents: Tensor, time: Tensor, said: Tensor, step: int) -> Tensor:
        return network(latents, time, "unsaid")

    not_said = spared(told_not, steps, policy, memory)

    def guided(latents: Tensor, time: Tensor, step: int) -> Tensor:
        latents = conditions.as_video(latents, time)
        found = said = network(latents, time, "said")
        if guidance != 1:
            unsaid = not_said(latents, time, said, step)
            found = unsaid + guidance * (said - unsaid)
        if cache is not None and step == steps - 1:
            cache.forget()
        return found

    # What else policies spare is of points, which this kind does not read.
    return forecast(guided, steps, policy, memory)


def preview(estimate: Tensor, model: VACE) -> Image.Image:
    return Image.fromarray(next(decoded(estimate, model, 0, 1)))


def frames(
    latents: Tensor, model: VACE, shot: Shot, span: Span | None, report: Report
) -> tuple[Iterator[np.ndarray], None]:
    return _plate(latents, model, shot, span, report), None


def _plate(
    latents: Tensor, model: VACE, shot: Shot, span: Span | None, report: Report
) -> Iterator[np.ndarray]:
    pieces = list(pieces_of(shot.segments, span))
    painted = Steps(report, "decode", sum(len(piece.shown) for piece in pieces))
    for piece in pieces:
        segment, part = latents[:, :, piece.start :], (piece.segment, piece.first, piece.last)
        yield from painted.each(plate_frames(segment, model, shot, *part))
