"""Conditions that do not fit are refused in one line that names them."""

from dataclasses import replace

import pytest
import torch

from isa_engine.dit import Conditioning
from isa_engine.errors import ModelError
from isa_engine.geometry.tiles import Tile
from tests.dit.small_models import SMALL, inputs, transformer


@pytest.fixture(scope="module")
def conditioning() -> Conditioning:
    return inputs()[2]


def refused(function, *words: str) -> None:
    with pytest.raises(ModelError) as error:
        function()
    sentence = str(error.value)
    assert "\n" not in sentence
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize("field", Conditioning.__dataclass_fields__)
def test_a_field_of_another_length_is_named(conditioning, field):
    value = getattr(conditioning, field)
    refused(lambda: replace(conditioning, **{field: value[:1]}), "B is")
    refused(lambda: replace(conditioning, **{field: value.flatten()}), f"'{field}'", "shape is")


@pytest.mark.parametrize(
    ("field", "axis"),
    [("ndc", 1), ("visible", 2), ("identity", 1), ("identity_known", 1), ("image_known", 1), ("cameras", 2)],
)
def test_a_field_that_is_too_short_is_named(conditioning, field, axis):
    value = getattr(conditioning, field)
    short = value.narrow(axis, 0, value.shape[axis] - 1)
    refused(lambda: replace(conditioning, **{field: short}), f"'{field}'")


@pytest.mark.parametrize("field", ["points", "ndc", "identity", "image_tokens", "cameras"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_is_named(conditioning, field, bad):
    value = getattr(conditioning, field).clone()
    value[-1, ..., 0] = bad
    bad = replace(conditioning, **{field: value})
    refused(bad.check_finite, f"'{field}'", "not a finite number")
    conditioning.check_finite()


def test_frames_that_fill_no_windows_are_named(conditioning):
    short = {f: getattr(conditioning, f)[:, :7] for f in ("points", "ndc", "visible")}
    refused(lambda: replace(conditioning, **short), "'points'", "7 frames")


def test_latents_of_another_shot_are_refused(conditioning):
    model = transformer()
    x, time, _ = inputs()
    refused(lambda: model(x[:, :, :2], time, conditioning), "'latents'", "t is 3")
    refused(lambda: model(x[:, :, :, :4], time, conditioning), "'latents'", "h is 8")
    refused(lambda: model(x[:1], time, conditioning), "'latents'", "B is 2")


def test_sizes_that_are_no_multiple_of_the_patch_are_named():
    x, time, conditioning = inputs(height=7)
    refused(lambda: transformer()(x, time, conditioning), "7 × 6", "patch of 2")


def test_cameras_of_another_grid_are_named(conditioning):
    x, time, _ = inputs()
    coarse = replace(conditioning, cameras=conditioning.cameras[..., :2, :])
    refused(lambda: transformer()(x, time, coarse), "'cameras'", "(2, 3)", "(4, 3)")


def test_a_model_conditioned_in_2d_names_the_maps_that_are_missing(conditioning):
    x, time, _ = inputs()
    refused(lambda: transformer(conditioning="controlnet-2d")(x, time, conditioning), "'normal_maps'", "48")


def test_a_batch_can_be_expanded_and_put_together(conditioning):
    one = inputs(batch=1)[2]
    many = one.expand(3)
    assert many.sizes()["B"] == 3
    both = Conditioning.concatenate([one, one.without_cast()])
    assert both.sizes()["B"] == 2
    assert both.visible[0].all()
    assert not both.visible[1].any()
    assert torch.equal(both.cameras[0], both.cameras[1])


def test_conditions_move_between_devices():
    meta = inputs()[2].to("meta")
    assert all(value.is_meta for value in vars(meta).values())
    assert meta.sizes()["P"] == 2 * SMALL.points


def reprojected(seed: int = 0, **sizes: int) -> Conditioning:
    """Conditions in which somebody is reprojected everywhere."""
    conditioning = inputs(**sizes)[2]
    shape, generator = conditioning.background_latents.shape, torch.Generator().manual_seed(seed)
    return replace(conditioning, reprojected_latents=torch.randn(shape, generator=generator))


def test_without_its_cast_nobody_is_reprojected():
    assert torch.equal(reprojected().without_cast().reprojected_latents, reprojected().background_latents)


def test_where_nobody_is_reprojected_the_background_is_known(conditioning):
    assert conditioning.reprojected_latents is conditioning.background_latents


@pytest.mark.parametrize("cut", [Conditioning.part, Conditioning.excerpt])
def test_a_part_of_a_video_knows_what_is_reprojected_in_its_own_latents(cut):
    whole = reprojected(latents=4)
    found = cut(whole, 1, 3)
    assert torch.equal(found.reprojected_latents, whole.reprojected_latents[:, :, 1:3])
    assert torch.equal(found.background_latents, whole.background_latents[:, :, 1:3])


def test_a_tile_knows_what_is_reprojected_in_its_own_part_of_the_canvas():
    whole, tile = reprojected(), Tile((8, 6), (2, 2), (4, 4))
    found = whole.tile(tile)
    assert torch.equal(found.reprojected_latents, whole.reprojected_latents[..., 2:6, 2:6])
    assert torch.equal(found.background_latents, whole.background_latents[..., 2:6, 2:6])


def test_in_a_batch_each_keeps_what_is_reprojected_in_it():
    parts = [reprojected(seed, batch=1) for seed in range(3)]
    both = Conditioning.concatenate(parts).reprojected_latents
    assert all(
        torch.equal(found, part.reprojected_latents[0]) for found, part in zip(both, parts, strict=True)
    )
    assert torch.equal(parts[0].expand(2).reprojected_latents[1], parts[0].reprojected_latents[0])


def test_without_a_background_nothing_is_reprojected_before_one_and_all_else_stays():
    given = reprojected()
    found = given.without_background()
    assert not found.background_latents.any()
    assert not found.reprojected_latents.any()
    for name in set(Conditioning.__dataclass_fields__) - {"background_latents", "reprojected_latents"}:
        assert torch.equal(getattr(found, name), getattr(given, name)), name
