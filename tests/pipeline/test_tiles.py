"""A canvas larger than the model's own is one picture of tiles, each told what the camera sees there."""

import dataclasses

import numpy as np
import pytest
import torch

from isa_engine.configuration.policies import FORECAST, POLICIES
from isa_engine.dit.background_gate import Prediction
from isa_engine.pipeline.conditioning import condition_shot
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.spread.devices import Device
from isa_engine.pipeline.tiles import over_tiles
from isa_engine.pipeline.velocity import velocity_of
from tests.pipeline.shots import MICRO, WINDOWED, footage, make_shot, speaking

# The micro model's own canvas has a short side of 32 pixels.
WIDTH, HEIGHT, SIDE = 64, 48, 8
TILES = MICRO.tiles(HEIGHT // SIDE, WIDTH // SIDE)


def large(frames: int = 5, **changes):
    return make_shot(frames, width=WIDTH, height=HEIGHT, **changes)


@pytest.fixture(scope="module")
def conditioning(model):
    return condition_shot(dataclasses.replace(large(references="all"), background=footage(5)), model)


def noise_for(conditioning, seed: int = 0) -> torch.Tensor:
    return initial_noise(tuple(conditioning.background_latents.shape), seed)


def test_a_canvas_of_this_size_has_two_rows_of_three_tiles():
    assert [tile.first for tile in TILES] == [(top, left) for top in (0, 2) for left in (0, 2, 4)]
    assert len(MICRO.tiles(32 // SIDE, 48 // SIDE)) == 1


@pytest.mark.parametrize("tile", TILES, ids=str)
def test_a_tile_is_told_what_a_camera_that_sees_only_it_would_be(model, tile):
    """Its points, its rays: those of the same scene through the tile's own lens, on a canvas of its size."""
    shot = large(references="none")
    scale, shift = map(np.array, tile.lens)
    lens = shot.intrinsics * [*scale[:2], *scale[:2]] + [0, 0, *shift[:2]]
    size = dict(zip(("height", "width"), (SIDE * side for side in tile.size), strict=True))
    settings = dataclasses.replace(shot.settings, **size)
    seen = condition_shot(dataclasses.replace(shot, intrinsics=lens, settings=settings), model)
    told = condition_shot(shot, model).tile(tile)
    for name in ("points", "ndc", "cameras", "visible", "reference_latents", "background_latents"):
        torch.testing.assert_close(getattr(told, name), getattr(seen, name), atol=1e-5, rtol=1e-5)


def test_the_picture_of_the_whole_cast_is_beside_each_tile_whole(model, conditioning):
    tile = TILES[0]
    small = large(references="all")
    size = {"width": SIDE * tile.size[1], "height": SIDE * tile.size[0]}
    small = dataclasses.replace(small, settings=dataclasses.replace(small.settings, **size))
    whole = condition_shot(small, model).reference_latents
    assert torch.equal(conditioning.reference_latents, whole)
    for tile in TILES:
        assert torch.equal(conditioning.tile(tile).reference_latents, whole)


def test_what_all_tiles_agree_on_is_what_is_said(conditioning):
    """A network that says of each place what is there says it of the whole."""
    latents = noise_for(conditioning)

    def seen(latents, told, points):
        assert told.background_latents.shape == latents.shape
        return Prediction(latents + told.background_latents, latents[:, :1].sigmoid())

    found = over_tiles(seen, TILES, latents, conditioning)
    torch.testing.assert_close(found.velocity, latents + conditioning.background_latents)
    torch.testing.assert_close(found.gate, latents[:, :1].sigmoid())


def test_where_tiles_disagree_one_fades_into_the_other(conditioning):
    latents, said = torch.zeros_like(noise_for(conditioning)), iter([0.0, 0.5, 1.0] * 2)
    found = over_tiles(lambda x, *_: Prediction(x + next(said)), TILES, latents, conditioning)
    columns = found.velocity[0, 0, 0]
    assert torch.equal(columns[0], columns[-1])
    assert (columns[:, 0] == 0).all()
    assert (columns[:, -1] == 1).all()
    assert (columns.diff(dim=1) >= 0).all()
    assert columns.diff(dim=1).max() < 0.5


def test_one_tile_is_the_network_itself(model):
    told = condition_shot(make_shot(), model)
    latents, time = noise_for(told), torch.tensor([0.7])
    with torch.inference_mode():
        assert torch.equal(model.predict(latents, time, told).velocity, model.dit(latents, time, told))


def test_each_tile_has_points_of_its_own(model, conditioning):
    latents, time, points = noise_for(conditioning), torch.tensor([0.7]), []
    with torch.inference_mode():
        whole = model.predict(latents, time, conditioning, points)
        assert len(points) == len(TILES) * MICRO.dit.layers
        assert torch.equal(whole.velocity, model.predict(latents, time, conditioning, points).velocity)
        # The last tile reads the last ones.
        points[-1] = points[-1].flip(-1)
        other = model.predict(latents, time, conditioning, points).velocity
    changed = (other != whole.velocity).any(0).any(0).any(0)
    assert changed[TILES[-1].part].any()
    assert not changed[: TILES[-1].first[0]].any()


@pytest.mark.parametrize("policy", ["exact", FORECAST])
def test_devices_that_share_a_take_share_its_tiles(policy):
    windowed = speaking(WINDOWED)
    shared = dataclasses.replace(windowed, others=(Device(windowed),))
    shot = large(21, steps=4, policy=policy)
    alone, together = (denoise(shot, "hash", each, lambda _: None) for each in (windowed, shared))
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_a_take_of_tiles_has_the_canvas_that_was_asked_for(model, silent):
    latents = denoise(large(), "hash", model, silent)
    assert latents.shape[-2:] == (HEIGHT // SIDE, WIDTH // SIDE)
    told, settings = condition_shot(large(), model), large().settings
    how = settings.guidance, settings.steps, POLICIES[settings.policy], {}
    velocity = velocity_of(model.predict, told, *how)
    expected = sample(velocity, noise_for(told, settings.seed), settings.steps, model.shift)
    torch.testing.assert_close(latents, expected)
