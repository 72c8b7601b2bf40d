"""Shot → conditions of ISA-DiT.

F frames (whole windows), K characters, N points each, P = K·N, C latent channels.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.configuration import ModelConfig
from isa_engine.dit import Conditioning
from isa_engine.errors import ShotError
from isa_engine.geometry.camera import NEAR, modelview_projection
from isa_engine.geometry.canonical import world_to_canonical
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION, extended_count, latent_count
from isa_engine.geometry.ndc import project, view_depth
from isa_engine.geometry.plucker import pack, plucker_rays
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.model import Model
from isa_engine.pipeline.normals import conditioned_in_2d, shot_normal_maps
from isa_engine.pipeline.pictures import decode_picture, to_canvas, to_video
from isa_engine.pipeline.references import identity, picture_latents
from isa_engine.shot import Character, Shot, canvas_size
from isa_engine.vae.causal_conv import looks_back

# Windows encoded at once; bounds the memory of a long background.
_WINDOWS_AT_ONCE = 4
# Frames whose points and rays are in memory in double precision.
_STAGED_AT_ONCE = 256
# All of a shot's pictures are held at once, decoded.
_MAX_PIXELS_TOGETHER = 128 * 2**20


@dataclass(frozen=True)
class Staging:
    """The casts and the cameras in their canonical frames; P = K·N.

    Attributes:
        points, ndc: ``(B, F, P, 3)``, zero where nobody is.
        visible: ``(B, F, P)`` bool.
        owners: ``(B, K, P)`` bool, which points are which character's.
        cameras: ``(B, t, 24, rows, columns)``.
    """

    points: Tensor
    ndc: Tensor
    visible: Tensor
    owners: Tensor
    cameras: Tensor


def stage(
    points: np.ndarray,
    intrinsics: np.ndarray,
    camera_to_world: np.ndarray,
    rows: int,
    columns: int,
    characters: np.ndarray | None = None,
) -> Staging:
    """Points and cameras as the transformer reads them.

    Args:
        points: ``(B, F, K, N, 3)`` world.
        intrinsics, camera_to_world: ``(B, F, 4)``, ``(B, F, 4, 4)``.
        rows, columns: of video tokens.
        characters: ``(B,)`` int, how many of the K are there, the first ones; all if None.
    """
    canonical = world_to_canonical(points[:, 0], camera_to_world[:, 0], characters)[:, None]
    there = np.ones(points.shape[2], bool)
    owners = torch.eye(points.shape[2], dtype=torch.bool).repeat_interleave(points.shape[3], 1)
    if characters is not None:
        there = np.arange(points.shape[2]) < np.asarray(characters)[:, None]
    there = np.broadcast_to(there[..., None], (len(points), *points.shape[2:4])).reshape(len(points), 1, -1)

    def placed(frames: slice) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # Double precision: the set may stand far from the world's origin.
        world = np.asarray(points[:, frames], np.float64)
        own = world.reshape(*world.shape[:2], -1, 3) @ canonical[..., :3, :3].swapaxes(-1, -2)
        own += canonical[..., None, :3, 3]
        cameras = canonical @ camera_to_world[:, frames]
        ndc, in_front = project(own, modelview_projection(intrinsics[:, frames], cameras))
        told = torch.tensor(intrinsics[:, frames]).double(), torch.tensor(cameras)
        return (
            torch.tensor(own * there[..., None], dtype=torch.float32),
            torch.tensor(ndc * there[..., None], dtype=torch.float32).mT,
            torch.tensor(in_front & there),
            plucker_rays(*told, rows, columns).float(),
        )

    starts = range(0, points.shape[1], _STAGED_AT_ONCE)
    parts = [placed(slice(start, start + _STAGED_AT_ONCE)) for start in starts]
    own, ndc, visible, rays = (torch.cat(each, 1) for each in zip(*parts, strict=True))
    # Axis by axis in memory, as they are projected: in another order sums over them would end in other bits.
    return Staging(own, ndc.mT, visible, owners & torch.tensor(there), pack(rays))


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
        reference = picture_latents(model, to_canvas(pictures[shot.frame_reference], seen))[None]
    if shot.background is None:
        background = torch.zeros(1, channels, staging.cameras.shape[1], *size)
    else:
        background = encode_background(whole, range(before, before + shot.frames), model)
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
    told = (_extended(values)[None] for values in (points, shot.intrinsics, shot.camera_to_world))
    staging = stage(*told, rows, columns)
    return replace(staging, visible=staging.visible & torch.tensor(_extended(shown))[None])


def _extended(per_frame: np.ndarray) -> np.ndarray:
    """``(F, …)`` with the last frame repeated until it fills whole windows."""
    return _repeated(per_frame, extended_count(len(per_frame)))


def _repeated(per_frame: np.ndarray, count: int) -> np.ndarray:
    """``(F, …)`` with the last frame repeated until there are so many."""
    return np.concatenate([per_frame, np.repeat(per_frame[-1:], count - len(per_frame), axis=0)])


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
        tokens.append(model.image_tower(to_canvas(picture, size)[None].to(model.device)))

    empty = torch.zeros(0, config.vae.latent_channels, device=model.device)
    sampled = [(empty, torch.zeros(0, dtype=torch.bool, device=model.device))]
    for character in cast:
        pose = character.reference
        if pose is not None:
            others = _beside(character, cast)
            sampled.append(identity(model, pictures[pose.picture], pose.points[:count], pose.mvp, others))
        else:
            points = len(character.points[0, :count])
            sampled.append((empty.new_zeros(points, empty.shape[1]), sampled[0][1].new_zeros(points)))
    features, known = (torch.cat(parts)[None] for parts in zip(*sampled, strict=True))
    return features, known, torch.cat(tokens, 1)


def _beside(character: Character, cast: list[Character]) -> np.ndarray:
    """Points ``(M, 3)`` of all others in a character's reference picture, where one camera saw them all."""
    pose = character.reference
    others = [
        other.reference.points
        for other in cast
        if other is not character
        and other.reference is not None
        and other.reference.picture == pose.picture
        and np.array_equal(other.reference.mvp, pose.mvp)
    ]
    return np.concatenate([np.zeros((0, 3)), *others])


def encode_background(
    shot: Shot, numbers: range, model: Model, wanted: tuple[int, int] | None = None
) -> Tensor:
    """The background of a segment's frames as normalised latents ``(1, C, t, h, w)``, read and encoded a few
    windows at a time; the last frame is repeated until it fills its window.

    Args:
        numbers: of the frames, counted from the shot's first.
        wanted: of the segment's latents ``[first, last)``, the same bits as among all; None: all.

    Raises:
        ShotError: it cannot be decoded, is too large, or too short.
    """
    first, last = wanted or (0, latent_count(len(numbers)))
    # A stream that begins later takes its first frame for a video's: that latent is none of the wanted ones,
    # and nothing that remembers it. From there on its pieces are those of the whole.
    before = max(0, first - 1 - looks_back(model.vae.encoder)) // _WINDOWS_AT_ONCE * _WINDOWS_AT_ONCE
    begin, step = before * TEMPORAL_COMPRESSION, _WINDOWS_AT_ONCE * TEMPORAL_COMPRESSION
    count = min(extended_count(len(numbers)), 1 + step * -(-(last - 1) // _WINDOWS_AT_ONCE))
    state, latents = None, []
    # The first frame is a window by itself.
    cuts = [begin, *range(begin + 1, count, step), count]
    for start, end in pairwise(cuts):
        frames = _repeated(background_frames(shot, numbers[start:end]), end - start)
        posterior, state = model.vae.encode_chunk(to_video(frames).to(model.device), state)
        latents.append(model.vae.normalise(posterior.mode()))
    return torch.cat(latents, 2)[:, :, first - before : last - before]
