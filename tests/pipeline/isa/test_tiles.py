"""A canvas larger than the model's own is one picture of tiles, each told what the camera sees there."""

import copy
import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from isa_engine.configuration.policies import FORECAST, POLICIES, SPARING
from isa_engine.cost.generation import step
from isa_engine.cost.memory import memory_beside
from isa_engine.cost.products import operations
from isa_engine.dit.background_gate import Prediction
from isa_engine.models import UNTRAINED
from isa_engine.models.isa import ISA
from isa_engine.models.work import work_of
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.isa.tiles import over_tiles
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.spread.devices import Device
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
    whole = condition_shot(shot, model)
    told, near = whole.tile(tile), (tile.near(whole.ndc) & whole.visible)[0].any(0)
    for name in ("points", "ndc", "visible"):
        torch.testing.assert_close(getattr(told, name), getattr(seen, name)[:, :, near], atol=1e-5, rtol=1e-5)
    for name in ("cameras", "reference_latents", "background_latents"):
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

    found = over_tiles(seen, TILES, latents, torch.tensor([0.7]), conditioning)
    torch.testing.assert_close(found.velocity, latents + conditioning.background_latents)
    torch.testing.assert_close(found.gate, latents[:, :1].sigmoid())


def test_where_tiles_disagree_one_fades_into_the_other(conditioning):
    latents, said = torch.zeros_like(noise_for(conditioning)), iter([0.0, 0.5, 1.0] * 2)
    network, time = lambda x, *_: Prediction(x + next(said)), torch.tensor([0.7])
    found = over_tiles(network, TILES, latents, time, conditioning)
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


def test_a_take_of_tiles_has_the_canvas_that_was_asked_for(model, silent):
    latents = denoise(large(), "hash", model, silent)
    assert latents.shape[-2:] == (HEIGHT // SIDE, WIDTH // SIDE)
    told, settings = condition_shot(large(), model), large().settings
    how = settings.guidance, settings.steps, POLICIES[settings.policy], {}
    velocity = velocity_of(model.predict, told, *how)
    expected = sample(velocity, noise_for(told, settings.seed), settings.steps, model.shift)
    torch.testing.assert_close(latents, expected)


# Two rows of tiles: somebody is in the middle and somebody at the right, nobody near those at the left.
APART = {"width": 192, "height": 48, "centres": ((0, 0, 0), (1.9, 0, 0))}
ROW = MICRO.tiles(APART["height"] // SIDE, APART["width"] // SIDE)


def apart(frames: int = 5, background: bool = True, **changes):
    shot = make_shot(frames, **{**APART, **changes})
    return dataclasses.replace(shot, background=footage(frames) if background else None)


@pytest.fixture(scope="module")
def told(model):
    return condition_shot(apart(), model)


def test_a_tile_is_told_of_the_points_that_come_into_it_or_near_it_in_any_frame(told):
    counts = []
    for tile in ROW:
        near = (tile.near(told.ndc) & told.visible)[0].any(0)
        counts.append(int(near.sum()))
        assert told.shows_nobody(tile) == (not near.any())
        if near.any():
            assert torch.equal(told.tile(tile).points, told.points[:, :, near])
    assert min(counts) == 0 < sum(counts) < len(ROW) * told.points.shape[2]


def test_who_comes_near_in_the_last_frame_is_told_in_all(model):
    still = apart()
    walks = still.characters[0].points.copy()
    walks[-1] += [-1.9, 0, 0]
    first = dataclasses.replace(still.characters[0], points=walks)
    shot = dataclasses.replace(still, characters=(first, still.characters[1]))
    assert condition_shot(still, model).shows_nobody(ROW[0])
    moving = condition_shot(shot, model)
    assert not moving.shows_nobody(ROW[0])
    assert moving.tile(ROW[0]).points.shape[1] == moving.points.shape[1]


def test_whose_reference_is_whose_stays_where_others_are_left_out(told):
    """What was read from each one's own picture goes with that one's points."""
    seen, second = told.tile(ROW[-1]), slice(MICRO.dit.points, None)
    near = (ROW[-1].near(told.ndc) & told.visible)[0].any(0)
    assert not near[: MICRO.dit.points].any()
    near = near[second]
    assert torch.equal(seen.identity, told.identity[:, second][:, near])
    assert torch.equal(seen.identity_known, told.identity_known[:, second][:, near])
    assert torch.equal(seen.owners, told.owners[..., second][..., near])
    assert torch.equal(seen.image_tokens, told.image_tokens)


def test_the_network_is_not_asked_of_a_tile_that_nobody_comes_near(told):
    """It shows the background, with the cast as without, whatever guidance there is."""
    latents, time = noise_for(told), torch.tensor([0.7])
    empty = [tile for tile in ROW if told.shows_nobody(tile)]
    alone = torch.ones(latents.shape[-2:], dtype=bool)
    for tile in ROW:
        if tile not in empty:
            alone[tile.part] = False
    assert 0 < len(empty) < len(ROW)
    assert alone.any()
    for branch in (told, told.nobody):
        asked = []

        def network(x, conditions, points, asked=asked):
            asked.append(conditions)
            return Prediction(torch.zeros_like(x), torch.ones_like(x[:, :1]))

        found = over_tiles(network, ROW, latents, time, branch)
        assert len(asked) == len(ROW) - len(empty)
        shown = latents + 0.7 * found.velocity
        torch.testing.assert_close(shown[..., alone], told.background_latents[..., alone])
        assert not found.gate[..., alone].any()


def test_without_a_background_a_tile_that_nobody_comes_near_is_told_of_everybody(model):
    imagined = condition_shot(apart(background=False), model)
    near = [(tile.near(imagined.ndc) & imagined.visible).any() for tile in ROW]
    assert not all(near)
    for tile, somebody in zip(ROW, near, strict=True):
        assert not imagined.shows_nobody(tile)
        if not somebody:
            assert torch.equal(imagined.tile(tile).points, imagined.points)


def test_a_take_that_everybody_has_left_is_its_background(model, silent):
    shot = apart(centres=((9.0, 0, 0),))
    away = condition_shot(shot, model)
    assert away.points.shape[2]
    torch.testing.assert_close(denoise(shot, "hash", model, silent), away.background_latents)


def test_of_a_frame_without_a_cast_the_network_is_asked(model):
    nobody = condition_shot(apart(centres=()), model)
    assert not any(nobody.shows_nobody(tile) for tile in ROW)


def test_conditions_are_cut_once(told):
    assert told.tile(ROW[0]) is told.tile(ROW[0])


@pytest.mark.parametrize("policy", ["exact", SPARING])
@pytest.mark.parametrize("staged", [large, apart])
def test_devices_that_share_a_take_share_its_tiles_and_leave_out_what_one_does(staged, policy):
    windowed = speaking(WINDOWED)
    shared = dataclasses.replace(windowed, others=(Device(windowed),))
    shot = staged(21, steps=6, policy=policy)
    alone, together = (denoise(shot, "hash", each, lambda _: None) for each in (windowed, shared))
    assert torch.equal(together, alone)


@pytest.mark.parametrize("changes", [{}, {"background": False}, {"width": 48, "height": 32}], ids=str)
def test_a_step_costs_what_is_told_of_its_shot_and_no_more_than_without_the_shot(model, changes):
    """The operations that torch counts."""
    shot = apart(**changes)
    conditioning = condition_shot(shot, model)
    latents, time = noise_for(conditioning), torch.tensor([0.7])
    # On this device and in training torch takes no shortcut that its counter does not see into.
    counted = copy.deepcopy(model.dit).to("meta").train()

    def seen(x, told, points):
        counted.predict(x.to("meta"), time.to("meta"), told.to("meta"), points)
        return Prediction(torch.zeros_like(x))

    tiles = MICRO.tiles(*latents.shape[-2:])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        for branch in (conditioning, conditioning.nobody):
            over_tiles(seen, tiles, latents, time, branch)
    work = work_of(shot, ISA(MICRO, UNTRAINED))
    told, unknown = (sum(operations(step(MICRO, each)).values()) for each in (work, replace(work, near=())))
    assert told == pytest.approx(counter.get_total_flops(), rel=0.02)
    assert (unknown > 1.05 * told) == (len(tiles) > 1)
    kept = replace(work, policy=POLICIES[FORECAST])
    most = memory_beside(MICRO, replace(kept, near=()))
    assert (most > memory_beside(MICRO, kept)) == (len(tiles) > 1)
