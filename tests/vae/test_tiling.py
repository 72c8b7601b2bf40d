"""Tiles: close to the whole, and no worse where they meet."""

import pytest
import torch

from isa_engine.errors import ModelError
from isa_engine.vae.tiling import TiledVAE
from tests.vae.small_vaes import PLAIN, noise_latents, noise_video, small_vae

# Two tiles side by side share the latent columns from 12 to 28 of 40.
TILE, COLUMNS, ROWS = 28, 40, 12
SEAM, INSIDE = slice(12, 28), (slice(4, 12), slice(28, 36))


def error_by_column(tiled: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of each latent column."""
    error = (tiled - whole).abs().mean((0, 1, 2, 3))
    return error.unflatten(0, (COLUMNS, -1)).mean(1)


def assert_no_worse_at_the_seam(error: torch.Tensor) -> None:
    inside = torch.cat([error[columns] for columns in INSIDE])
    assert error[SEAM].mean() <= inside.mean()
    assert error[SEAM].max() <= inside.max()


def test_decoded_tiles_are_no_worse_at_the_seam_than_inside(vae):
    latents = noise_latents(vae, 2, rows=ROWS, columns=COLUMNS)
    tiled, whole = TiledVAE(vae, TILE).decode(latents), vae.decode(latents)
    error = error_by_column(tiled, whole)
    assert 0 < error.mean() < 0.2 * whole.std()
    assert_no_worse_at_the_seam(error)


def test_encoded_tiles_are_no_worse_at_the_seam_than_inside(vae):
    video = torch.cat([noise_video(vae, 5, ROWS, COLUMNS, seed) for seed in range(64)])
    tiled, whole = TiledVAE(vae, TILE).encode(video), vae.encode(video)
    error = error_by_column(tiled.mean, whole.mean)
    assert 0 < error.mean() < 0.2 * whole.mean.std()
    assert_no_worse_at_the_seam(error)
    assert (tiled.logvar - whole.logvar).abs().mean() < 0.2 * whole.logvar.std()


def test_without_margins_the_seam_shows(vae):
    latents = noise_latents(vae, 1, rows=ROWS, columns=COLUMNS)
    tiled = TiledVAE(vae, tile=21, margin=0, fade=1)
    error = error_by_column(tiled.decode(latents), vae.decode(latents))
    assert error[SEAM].max() > 1.5 * torch.cat([error[columns] for columns in INSIDE]).max()


def test_a_picture_that_fits_one_tile_is_the_whole(vae):
    video, latents = noise_video(vae, 5), noise_latents(vae, 2)
    tiled = TiledVAE(vae)
    assert torch.equal(tiled.decode(latents), vae.decode(latents))
    assert torch.equal(tiled.encode(video).mean, vae.encode(video).mean)


@pytest.mark.parametrize("size", [(5, 9), (6, 6), (10, 4)])
def test_tiles_stream_too_whatever_the_size(vae, size):
    tiled = TiledVAE(vae, tile=6, margin=1, fade=1)
    latents = noise_latents(vae, 3, *size)
    start, state = tiled.decode_chunk(latents[:, :, :2], None)
    end, _ = tiled.decode_chunk(latents[:, :, 2:], state)
    assert torch.allclose(torch.cat([start, end], 2), tiled.decode(latents), atol=1e-5)


def test_what_tiles_cannot_do_is_refused():
    vae = small_vae(PLAIN)
    with pytest.raises(ModelError, match="cannot share 16"):
        TiledVAE(vae, tile=16)
    tiled = TiledVAE(vae, tile=4, margin=1, fade=1)
    with pytest.raises(ModelError, match="multiples of 4"):
        tiled.encode(torch.zeros(1, 3, 1, 32, 33))
    _, state = tiled.decode_chunk(noise_latents(vae, 1, 4, 4), None)
    with pytest.raises(ModelError, match="another picture size"):
        tiled.decode_chunk(noise_latents(vae, 1, 4, 8), state)
