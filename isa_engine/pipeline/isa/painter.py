"""The painter of the house's own kind: ISA-DiT, VideoVAE and the matte head."""

import dataclasses
import logging
from collections.abc import Iterator

import numpy as np
from PIL import Image
from torch import Tensor

from isa_engine.configuration import model_config, weights_folder
from isa_engine.configuration.policies import POLICIES
from isa_engine.dit import Conditioning
from isa_engine.geometry.frames import latent_count
from isa_engine.geometry.temporal_windows import seen_with
from isa_engine.models import describe
from isa_engine.models.room import longest_work
from isa_engine.networks.compiling import compile_blocks, why_not
from isa_engine.networks.precision import keep_in_16_bits
from isa_engine.pipeline.device import device_of, fastest
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.isa.decode import Background, decode_matte, decode_plate
from isa_engine.pipeline.isa.model import Model, build_model, count_parameters
from isa_engine.pipeline.painter import Part, Span
from isa_engine.pipeline.pictures import to_frames
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.pipeline.sampling import Velocity
from isa_engine.pipeline.spread.devices import Device
from isa_engine.pipeline.spread.shared_evaluation import Spread
from isa_engine.pipeline.velocity import Memory, velocity_of
from isa_engine.results.record import GENERATED
from isa_engine.shot import Shot

log = logging.getLogger(__name__)


def load(name: str, device: str) -> Model:
    """Devices that are joined by "+" share the windows of long takes; the first one has all else."""
    first, *others = (_load(name, each) for each in device.split("+"))
    return dataclasses.replace(first, others=tuple(Device(other) for other in others))


def _load(name: str, device: str) -> Model:
    config, described, target = model_config(name), describe(name), device_of(device)
    # What is told of memory may be twice too high on a GPU: where nothing fits, the least is tried.
    way = fastest(described, target) or described.ways(longest_work(described), target.type)[-1]
    model = build_model(config, weights_folder(name), device, offloaded=way.offloaded)
    if target.type == "cuda" and not way.offloaded:
        keep_in_16_bits(model.dit)
    return model


def compiled(model: Model) -> Model:
    reason = why_not(model.device)
    if model.offloaded:
        reason = "it does not fit into the device whole"
    if model.others:
        reason = "several devices share it"
    if reason:
        log.warning("'%s' is not compiled: %s", model.name, reason)
        return model
    compile_blocks(model.dit.transformer_blocks)
    return dataclasses.replace(model, compiled=True)


def parameters(name: str) -> dict[str, dict[str, int]]:
    return count_parameters(model_config(name))


def parts(shot: Shot, model: Model, segment: int, again: Tensor, report: Report) -> list[Part]:
    made = again.nonzero()
    span = int(made[0]), int(made[-1]) + 1
    first, last = seen_with(*span, len(again), model.config.dit.temporal_window)
    return [Part((first, last), again[first:last, None, None])]


def conditions(
    shot: Shot, model: Model, segment: int, part: Part, latents: Tensor, report: Report
) -> Conditioning:
    segments = len(shot.segments)
    report(Progress("encode", segment, segments))
    told = condition_shot(shot, model, segment)
    report(Progress("encode", segment + 1, segments))
    return told if part.span == (0, latents.shape[2]) else told.excerpt(*part.span)


def latents_shape(shot: Shot, model: Model, frames: int) -> tuple[int, ...]:
    vae, settings = model.config.vae, shot.settings
    side = vae.spatial_compression
    return 1, vae.latent_channels, latent_count(frames), settings.height // side, settings.width // side


def velocity(shot: Shot, model: Model, conditions: Conditioning, memory: Memory) -> Velocity:
    settings = shot.settings
    policy = POLICIES[settings.policy]
    network = Spread(model, model.others) if model.others else model.predict
    return velocity_of(network, conditions, settings.guidance, settings.steps, policy, memory)


def preview(estimate: Tensor, model: Model) -> Image.Image:
    # One latent decodes on its own.
    frame = model.vae.decode(model.vae.denormalise(estimate))
    return Image.fromarray(to_frames(frame)[0])


def frames(
    latents: Tensor, model: Model, shot: Shot, span: Span | None, report: Report
) -> tuple[Iterator[np.ndarray], Iterator[np.ndarray] | None]:
    given = Background.of(shot, model, span)
    plate = decode_plate(latents, model, shot, given, span, report)
    return plate, decode_matte(latents, model, shot, given, span) if model.matte == GENERATED else None
