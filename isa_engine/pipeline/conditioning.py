"""Shot → conditions of ISA-DiT.

F frames (whole windows), K characters, N points each, P = K·N, C latent channels.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.errors import ShotError
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.canonical import world_to_canonical
from isa_engine.geometry.frames import extended_count
from isa_engine.geometry.ndc import picture_coordinates, project
from isa_engine.geometry.plucker import pack, plucker_rays
from isa_engine.pipeline.model import Model
from isa_engine.pipeline.pictures import decode_picture, own_canvas, to_canvas
from isa_engine.pipeline.video import read_video
from isa_engine.shot import Shot


@dataclass(frozen=True)
class Staging:
    """The cast and the camera in the canonical frame, a batch of one.

    Attributes:
        points, ndc: ``(1, F, P, 3)``.
        visible: ``(1, F, P)`` bool.
        cameras: ``(1, t, 24, rows, columns)``.
    """

    points: Tensor
    ndc: Tensor
    visible: Tensor
    cameras: Tensor


def stage(
    points: np.ndarray, intrinsics: np.ndarray, camera_to_world: np.ndarray, rows: int, columns: int
) -> Staging:
    """Points and cameras as the transformer reads them.

    Args:
        points: ``(F, K, N, 3)`` world.
        intrinsics, camera_to_world: ``(F, 4)``, ``(F, 4, 4)``.
        rows, columns: of video tokens.
    """
    # Double precision: the set may stand far from the world's origin.
    points = np.asarray(points, np.float64)
    canonical = world_to_canonical(points[0], camera_to_world[0])
    points = points.reshape(len(points), -1, 3) @ canonical[:3, :3].T + canonical[:3, 3]
    camera_to_world = canonical @ camera_to_world
    ndc, in_front = project(points, modelview_projection(intrinsics, camera_to_world))
    rays = plucker_rays(torch.tensor(intrinsics), torch.tensor(camera_to_world), rows, columns)
    return Staging(
        points=torch.tensor(points, dtype=torch.float32)[None],
        ndc=torch.tensor(ndc, dtype=torch.float32)[None],
        visible=torch.tensor(in_front)[None],
        cameras=pack(rays).float()[None],
    )


def identity(latents: Tensor, points: np.ndarray, mvp: np.ndarray) -> tuple[Tensor, Tensor]:
    """What a reference's latents say of each point (Eq. 19).

    Args:
        latents: ``(C, h, w)`` of the reference picture.
        points, mvp: the character as it stands there, ``(N, 3)`` and ``(4, 4)``.

    Returns:
        ``(N, C)``, and ``(N,)`` bool: false where the picture does not reach.
    """
    ndc, in_front = project(np.asarray(points, np.float64), mvp)
    inside = in_front & (np.abs(ndc[:, :2]) <= 1).all(-1)
    where = torch.tensor(picture_coordinates(ndc), dtype=latents.dtype, device=latents.device)
    sampled = F.grid_sample(latents[None], where[None, :, None], padding_mode="border", align_corners=False)
    return sampled[0, :, :, 0].T, torch.tensor(inside, device=latents.device)


@torch.inference_mode()
def condition(shot: Shot, model: Model) -> Conditioning:
    """All conditions of a shot, on the model's device.

    Raises:
        ShotError: the canvas does not suit the model, or a picture or the background cannot be decoded.
    """
    config, canvas = model.config, (shot.settings.width, shot.settings.height)
    for side in canvas:
        if side % config.multiple:
            problem = f"a canvas of {canvas[0]} × {canvas[1]} pixels"
            remedy = f"'{config.name}' needs multiples of {config.multiple}."
            raise ShotError(problem, where="settings", remedy=remedy)
    columns, rows = (side // config.multiple for side in canvas)
    frames = extended_count(shot.frames)

    def extended(per_frame: np.ndarray) -> np.ndarray:
        return np.concatenate([per_frame, np.repeat(per_frame[-1:], frames - shot.frames, axis=0)])

    cast = [character for character in shot.characters if project(character.points, shot.mvp)[1].any()]
    count = config.dit.points
    points = np.stack([character.points[:, :count] for character in cast], 1) if cast else None
    if points is None:
        points = np.zeros((shot.frames, 0, count, 3))
    staging = stage(
        extended(points), extended(shot.intrinsics), extended(shot.camera_to_world), rows, columns
    )

    pictures = [decode_picture(encoded, f"reference {k}") for k, encoded in enumerate(shot.references)]
    canvases = [own_canvas(picture, config.short_side, config.multiple)[None] for picture in pictures]
    canvases = [canvas.to(model.device) for canvas in canvases]
    latents = [_encode(model, canvas[:, :, None])[0, :, 0] for canvas in canvases]
    known, identities = [], []
    for character in cast:
        pose = character.reference
        if pose is None:
            shape = (character.points[0, :count].shape[0], config.vae.latent_channels)
            sampled, reached = torch.zeros(shape), torch.zeros(shape[0], dtype=torch.bool)
        else:
            sampled, reached = identity(latents[pose.picture], pose.points[:count], pose.mvp)
        identities.append(sampled.to(model.device))
        known.append(reached.to(model.device))

    towers = [model.image_tower(canvas) for canvas in canvases]
    tokens = torch.cat(towers, 1) if towers else torch.zeros(1, 0, config.dit.image_width)
    size = (config.vae.latent_channels, *(side // config.vae.spatial_compression for side in canvas[::-1]))
    whole = torch.zeros(1, *size)
    if shot.frame_reference is not None:
        whole = _encode(model, _picture(pictures[shot.frame_reference], canvas).to(model.device))[:, :, 0]
    background = torch.zeros(1, size[0], staging.cameras.shape[1], *size[1:])
    if shot.background is not None:
        video = torch.from_numpy(extended(read_video(shot.background, shot.frames, canvas)))
        video = (video.permute(3, 0, 1, 2)[None].float() / 127.5 - 1).to(model.device)
        background = _encode(model, video)
    empty = torch.zeros(0, config.vae.latent_channels)
    return Conditioning(
        points=staging.points,
        ndc=staging.ndc,
        visible=staging.visible,
        identity=torch.cat(identities or [empty])[None],
        identity_known=torch.cat(known or [torch.zeros(0, dtype=torch.bool)])[None],
        image_tokens=tokens,
        image_known=torch.ones(tokens.shape[:2], dtype=torch.bool),
        reference_latents=whole,
        background_latents=background,
        cameras=staging.cameras,
    ).to(model.device)


def _picture(picture: Image.Image, canvas: tuple[int, int]) -> Tensor:
    return to_canvas(picture, canvas)[None, :, None]


def _encode(model: Model, video: Tensor) -> Tensor:
    """Normalised latents ``(B, C, t, h, w)`` of ``(B, 3, F, H, W)``: the posterior's mode."""
    return model.vae.normalise(model.vae.encode(video).mode())
