"""Shot → conditions of ISA-DiT.

F frames (whole windows), K characters, N points each, P = K·N, C latent channels.
"""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.configuration import ModelConfig
from isa_engine.dit import Conditioning
from isa_engine.errors import ShotError
from isa_engine.geometry.camera import NEAR
from isa_engine.geometry.frames import extended
from isa_engine.geometry.ndc import view_depth
from isa_engine.pipeline.isa.background_latents import encode_background
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.isa.normals import conditioned_in_2d, shot_normal_maps
from isa_engine.pipeline.isa.references import identity, picture_latents, pictured_with
from isa_engine.pipeline.isa.reprojection import textures_of
from isa_engine.pipeline.isa.staging import Staging, stage
from isa_engine.pipeline.pictures import decode_picture, to_canvas
from isa_engine.shot import Character, Shot, canvas_size

# All of a shot's pictures are held at once, decoded.
_MAX_PIXELS_TOGETHER = 128 * 2**20


@torch.inference_mode()
def condition_shot(shot: Shot, model: Model, segment: int = 0) -> Conditioning:
    """All conditions of a segment of a shot, on the model's device.

    Raises:
        ShotError: the canvas does not suit the model, or a picture or the background cannot be decoded.
    """
    canvas = _canvas(shot, model.config)
    before = sum(shot.segments[:segment])
    whole, shot = shot, shot.segment(segment)
    cast = [character for character in shot.characters if _enters(character, shot.mvp)]
    staging = _staged(shot, cast, model.config)
    pictures = _decoded(shot, cast)
    identity, identity_known, image_tokens = _references(cast, pictures, model)
    size = [side // model.config.vae.spatial_compression for side in reversed(canvas)]
    channels = model.config.vae.latent_channels
    # What the network sees at once has the whole picture beside it.
    tile = model.config.tile_count(*size)[1]
    if shot.frame_reference is None:
        reference = torch.zeros(1, channels, *tile)
    else:
        seen = tuple(model.config.vae.spatial_compression * side for side in reversed(tile))
        picture = to_canvas(pictures[shot.frame_reference], seen)
        reference = picture_latents(model, picture)[None]
    if shot.background is None:
        background = known = torch.zeros(1, channels, staging.cameras.shape[1], *size)
    else:
        shown = range(before, before + shot.frames)
        background = known = encode_background(whole, shown, model)
        textures = textures_of(whole) if model.reprojects and cast else ()
        if textures:
            known = encode_background(whole, shown, model, textures=textures)
    conditioning = Conditioning(
        points=staging.points,
        ndc=staging.ndc,
        visible=staging.visible,
        identity=identity,
        identity_known=identity_known,
        image_tokens=image_tokens,
        image_known=torch.ones(image_tokens.shape[:2], dtype=torch.bool),
        reference_latents=reference,
        background_latents=background,
        cameras=staging.cameras,
        normal_maps=shot_normal_maps(shot, cast, model) if conditioned_in_2d(model) else None,
        owners=staging.owners,
        reprojected_latents=known,
    )
    conditioning.check_finite()
    return conditioning.to(model.device)


def _enters(character: Character, mvp: np.ndarray) -> bool:
    """Whether it is ever shown before the camera."""
    frames = zip(character.points, mvp, strict=True)
    shown = (frame for frame, seen in zip(frames, character.visible, strict=True) if seen)
    return any((view_depth(points, matrix) > NEAR).any() for points, matrix in shown)


def _canvas(shot: Shot, config: ModelConfig) -> tuple[int, int]:
    """Width and height in pixels, which the model must be able to paint."""
    width, height = shot.settings.width, shot.settings.height
    if width % config.multiple or height % config.multiple:
        problem = f"a canvas of {width} × {height} pixels does not suit '{config.name}'"
        remedy = f"Use multiples of {config.multiple}."
        raise ShotError(problem, where="settings", remedy=remedy)
    return width, height


def _staged(shot: Shot, cast: list[Character], config: ModelConfig) -> Staging:
    count = config.dit.points
    points, shown = np.zeros((shot.frames, 0, count, 3)), np.zeros((shot.frames, 0), bool)
    if cast:
        points = np.stack([character.points[:, :count] for character in cast], 1)
        shown = np.repeat(np.stack([character.visible for character in cast], 1), points.shape[2], 1)
    columns, rows = shot.settings.width // config.multiple, shot.settings.height // config.multiple
    told = (extended(values)[None] for values in (points, shot.intrinsics, shot.camera_to_world))
    staging = stage(*told, rows, columns)
    return replace(staging, visible=staging.visible & torch.tensor(extended(shown))[None])


def _decoded(shot: Shot, cast: list[Character]) -> dict[int, Image.Image]:
    """The pictures that show someone of the cast, and the frame's, by their place in the shot."""
    users: dict[int, list[str]] = {} if shot.frame_reference is None else {shot.frame_reference: []}
    for character in cast:
        if character.reference is not None:
            users.setdefault(character.reference.picture, []).append(character.name)
    pictures, pixels = {}, 0
    for k in sorted(users):
        owners = ", ".join(f"'{name}'" for name in users[k])
        where = f"reference picture of {owners}" if owners else f"reference picture {k + 1}"
        pictures[k] = decode_picture(shot.references[k], where)
        pixels += pictures[k].width * pictures[k].height
        if pixels > _MAX_PIXELS_TOGETHER:
            problem = f"the pictures up to here have {pixels / 2**20:.0f} megapixels"
            remedy = f"All of a shot may have {_MAX_PIXELS_TOGETHER >> 20} together. Make them smaller."
            raise ShotError(problem, where=where, remedy=remedy)
    return pictures


def _references(
    cast: list[Character], pictures: dict[int, Image.Image], model: Model
) -> tuple[Tensor, Tensor, Tensor]:
    """Eqs. 19 and 21: identity ``(1, P, C)``, where it is known ``(1, P)``, image tokens ``(1, L, W)``."""
    config, count = model.config, model.config.dit.points
    tokens = [torch.zeros(1, 0, config.dit.image_width, device=model.device)]
    for picture in pictures.values():
        # In its own shape: a portrait reference in a landscape shot keeps its detail.
        size = canvas_size(picture.width, picture.height, config.short_side, config.multiple)
        picture = to_canvas(picture, size)
        tokens.append(model.image_tower(picture[None].to(model.device)))

    empty = torch.zeros(0, config.vae.latent_channels, device=model.device)
    sampled = [(empty, torch.zeros(0, dtype=torch.bool, device=model.device))]
    for character in cast:
        pose = character.reference
        if pose is not None:
            others = [other.reference.points for other in pictured_with(character, cast)]
            others = np.concatenate([np.zeros((0, 3)), *others])
            picture, points = pictures[pose.picture], pose.points[:count]
            sampled.append(identity(model, picture, points, pose.mvp, others))
        else:
            points = len(character.points[0, :count])
            sampled.append((empty.new_zeros(points, empty.shape[1]), sampled[0][1].new_zeros(points)))
    features, known = (torch.cat(parts)[None] for parts in zip(*sampled, strict=True))
    return features, known, torch.cat(tokens, 1)
