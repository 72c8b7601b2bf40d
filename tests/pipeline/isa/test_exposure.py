"""Exposure: a scene twice as bright is told to the network as the darker one, and comes back as bright."""

import dataclasses
import io
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from isa_engine.pipeline import generate
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.isa import painter
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.isa.decode import Background, decode_plate
from isa_engine.pipeline.isa.exposure import cast_luminance, exposed, given_back
from isa_engine.results.remake import remade
from tests.pipeline.shots import MICRO, footage, make_shot, speaking

# Darker than any cast below.
DARK = 0.1


@pytest.fixture(scope="module")
def night():
    """A model that knows dark people alone."""
    known = dataclasses.replace(MICRO, cast_luminance=DARK)
    return dataclasses.replace(speaking(known), trained=True)


def lit(level: float, **given):
    """A shot whose cast has pictures of soft noise, of levels up to a share of all; even ones, so that twice
    as bright is exactly so."""
    shot = make_shot(**given)
    pictures = []
    for encoded in shot.references:
        dim = np.asarray(Image.open(io.BytesIO(encoded))) // 4 * 2
        file = io.BytesIO()
        Image.fromarray((dim * level).round().astype(np.uint8)).save(file, "PNG")
        pictures.append(file.getvalue())
    return dataclasses.replace(shot, references=tuple(pictures))


@given(
    arrays.arrays(np.float32, (3, 2, 2), elements=st.floats(-1, 1, width=32)),
    st.floats(0.2, 1),
)
def test_what_is_given_back_is_what_was_exposed(pictures, exposure):
    pictures = torch.from_numpy(pictures)
    there = exposed(pictures, exposure)
    assert torch.allclose(given_back(there, exposure), pictures, atol=1e-5)
    # Black stays black, and white becomes the exposure's grey.
    assert there.min() >= -1
    assert there.max() <= 2 * exposure - 1 + 1e-6


def test_as_long_as_nothing_is_exposed_no_bit_changes():
    pictures = torch.randn(3, 4, 4)
    assert torch.equal(given_back(exposed(pictures, 1.0), 1.0), pictures)


@given(st.integers(0, 255), st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
def test_a_casts_luminance_is_that_of_the_pixels_that_show_it(level, x, z):
    """A grey square on white; what lies beyond the picture or behind the camera tells nothing."""
    camera = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0]])
    points = np.array([[x, 1, z], [x + 0.05, 1, z - 0.05], [5, 1, 0], [x, -1, z]])
    picture = np.full((100, 100, 3), 255)
    row, column = round(50 - 50 * z), round(50 + 50 * x)
    picture[max(0, row - 6) : row + 7, max(0, column - 6) : column + 7] = level
    assert cast_luminance([(picture, points, camera)]) == pytest.approx(level / 255)
    assert cast_luminance([(picture, points[2:], camera)]) is None
    assert cast_luminance([]) is None


def test_a_scene_twice_as_bright_is_told_to_the_network_as_the_darker_one(night):
    dim, bright = lit(1, references="all"), lit(2, references="all")
    assert night.exposure(bright) == pytest.approx(night.exposure(dim) / 2)
    told = [condition_shot(shot, night) for shot in (dim, bright)]
    for name in ("identity", "image_tokens", "reference_latents"):
        dimmer, brighter = (getattr(each, name) for each in told)
        # Pictures are resized to whole levels, of which half a one is less than this.
        assert torch.allclose(dimmer, brighter, atol=0.02)
    as_they_are = condition_shot(bright, speaking(MICRO))
    assert not torch.allclose(told[1].identity, as_they_are.identity, atol=0.2)


def test_a_cast_as_dark_as_the_model_knows_and_one_without_pictures_are_shown_as_they_are(night):
    assert night.exposure(lit(0.1)) == 1
    assert night.exposure(make_shot(references="none")) == 1
    assert dataclasses.replace(night, trained=False).exposure(lit(2)) == 1


def test_a_damaged_picture_is_left_to_whoever_needs_it(night):
    shot = lit(2)
    damaged = dataclasses.replace(shot, references=(b"no picture", *shot.references[1:]))
    assert night.exposure(damaged) < 1


@torch.inference_mode()
def test_frames_and_previews_come_back_as_bright_as_the_scene(night):
    """What the network painted of the background shows the background's own pixels, and its preview them,
    too, as well as the autoencoder can."""
    shot = dataclasses.replace(lit(2, frames=9), background=footage(9))
    assert night.exposure(shot) < 0.5
    given = Background.of(shot, night)
    assert np.array_equal(
        np.stack(list(decode_plate(given.latents, night, shot, given))), background_frames(shot, range(9))
    )
    dark = np.asarray(
        painter.preview(given.latents[:, :, :1], dataclasses.replace(night, trained=False), shot)
    )
    preview = np.asarray(painter.preview(given.latents[:, :, :1], night, shot))
    expected = (dark / night.exposure(shot)).clip(0, 255)
    assert np.abs(preview - expected).max() <= 1 / night.exposure(shot)


def test_what_is_kept_of_a_take_keeps_its_exposure(night, tmp_path):
    shot = lit(2, frames=9)
    generate(shot, night, tmp_path, lambda progress: None)
    told = json.loads((tmp_path / "record.json").read_text())
    assert told["exposure"] == night.exposure(shot) < 1
    longer = remade(lit(1, frames=13), tmp_path)
    assert night.exposure(longer) == told["exposure"] != night.exposure(lit(1, frames=13))
