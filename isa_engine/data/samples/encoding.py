"""Clips into samples: latents, and what the transformer is told beside them."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.clip_batch import batch_of
from isa_engine.data.samples.cut_outs import cut_out
from isa_engine.data.samples.staged_batch import StagedBatch, stage_clips
from isa_engine.dit import Conditioning
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.isa.references import at_points
from isa_engine.vae.causal_conv import Past

# Normalised latents ``(B, C, t, h, w)``, their conditions, whose image tokens are still zero, and pictures
# ``(B, R, 3, S, S)`` from which a tower that learns makes them (``ImageTower.fit``).
Sample = tuple[Tensor, Conditioning, Tensor]


def encode(model: Model, video: Tensor) -> Tensor:
    """Normalised latents ``(B, C, t, h, w)`` of a video ``(B, 3, F, H, W)`` in [−1, 1].

    Unlike ``VideoVAE.encode`` it does not look whether the video is finite, for that would wait for the GPU.
    """
    mean, _ = model.vae.encoder(video, Past()).chunk(2, 1)
    return model.vae.normalise(mean)


@torch.no_grad()
def condition_clip(clip: Clip, model: Model) -> Conditioning:
    """What the transformer is told of a clip, with as many points as it reads: a batch of one."""
    batch = batch_of(clip).first_points(model.config.dit.points)
    staged = stage_clips(batch, model).to(model.device)
    background, reprojected, references = map(
        colours, (staged.background, staged.reprojected, staged.references)
    )
    known = [background, reprojected] if model.config.reprojects else [background]
    known = [encode(model, video) for video in known]
    conditioning = _conditions(model, staged, known[0], known[-1], references)
    tokens = model.image_tower(references.transpose(1, 2).flatten(0, 1)).flatten(0, 1)[None]
    return replace(conditioning, image_tokens=tokens)


@torch.no_grad()
def encode_batch(model: Model, staged: StagedBatch) -> Sample:
    """A batch, made on the model's device without waiting for it."""
    vary = staged.variation.pictures
    videos = [staged.video, staged.background, *([staged.reprojected] if model.config.reprojects else [])]
    references = vary(colours(staged.references))
    encoded = encode(model, torch.cat([vary(colours(video)) for video in videos])).chunk(len(videos))
    latents, known = encoded[0], encoded[1:]
    conditioning = _conditions(model, staged, known[0], known[-1], references)
    batch, pictures = len(references), references.transpose(1, 2)
    fitted = model.image_tower.fit(pictures.flatten(0, 1)).unflatten(0, (batch, -1))
    return latents, conditioning, fitted * staged.shown[..., None, None, None]


def _conditions(
    model: Model, staged: StagedBatch, backgrounds: Tensor, reprojected: Tensor, references: Tensor
) -> Conditioning:
    """Conditions whose image tokens are still zero.

    Args:
        backgrounds, reprojected: ``(B, C, t, h, w)`` latents.
        references: ``(B, 3, R, H, W)``.
    """
    batch, _, shown = references.shape[:3]
    # A picture of the whole cast is also the shot's frame (Eq. 20), beside all that the network sees at once.
    whole = encode(model, _of_a_tile(model, references[:, :, :1]))[:, :, 0] * staged.alone.view(-1, 1, 1, 1)
    tokens = model.image_tower.token_count
    return Conditioning(
        points=staged.points,
        ndc=staged.ndc,
        visible=staged.visible,
        identity=_identity(model, staged, references),
        identity_known=staged.identity_known,
        image_tokens=references.new_zeros(batch, shown * tokens, model.config.image_tower.width),
        image_known=staged.shown[..., None].expand(-1, -1, tokens).flatten(1),
        reference_latents=whole,
        background_latents=backgrounds,
        reprojected_latents=reprojected,
        cameras=staged.cameras,
        normal_maps=staged.normal_maps,
        owners=staged.owners,
    )


def _of_a_tile(model: Model, pictures: Tensor) -> Tensor:
    """``(B, 3, 1, H, W)`` as large as a tile of their canvas."""
    side = model.config.vae.spatial_compression
    rows, columns = (pixels // side for pixels in pictures.shape[-2:])
    size = tuple(side * latents for latents in model.config.tile_count(rows, columns)[1])
    if size == pictures.shape[-2:]:
        return pictures
    return F.interpolate(pictures[:, :, 0], size, mode="area")[:, :, None]


def _identity(model: Model, staged: StagedBatch, references: Tensor) -> Tensor:
    """Eq. 19: ``(B, P, C)``, zero where no reference shows anything of a character."""
    batch, points = staged.identity_known.shape
    channels = model.config.vae.latent_channels
    if not len(staged.character):
        return references.new_zeros(batch, points, channels)
    squares = cut_out(
        references.transpose(1, 2).flatten(0, 1),
        staged.picture,
        staged.corner,
        staged.side,
        model.config.close_up,
    )
    said = at_points(encode(model, squares[:, :, None])[:, :, 0].float(), staged.where)
    everybody = said.new_zeros(batch * points // said.shape[1], *said.shape[1:])
    return everybody.index_copy_(0, staged.character, said).view(batch, points, channels)


def colours(stored: Tensor) -> Tensor:
    """``(B, F, H, W, 3)`` uint8 to ``(B, 3, F, H, W)`` in [−1, 1]."""
    return stored.permute(0, 4, 1, 2, 3).float() / 127.5 - 1
