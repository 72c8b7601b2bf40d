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
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.isa.exposure import as_exposed, cast_luminance, exposed
from isa_engine.pipeline.sampling import sample
from isa_engine.results.remake import remade
from tests.pipeline.shots import MICRO, make_shot, speaking

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


@given(arrays.arrays(np.float32, (3, 2, 2), elements=st.floats(-1, 1, width=32)), st.floats(0.2, 1))
def test_black_stays_black_and_white_becomes_the_exposures_grey(pictures, exposure):
    there = exposed(torch.from_numpy(pictures), exposure)
    assert torch.allclose((there + 1) / 2, exposure * (torch.from_numpy(pictures) + 1) / 2, atol=1e-6)


def test_as_long_as_nothing_is_exposed_no_bit_changes(night):
    pictures = torch.randn(3, 4, 4)
    assert exposed(pictures, 1.0) is pictures
    velocity = straight_to(pictures)
    assert as_exposed(velocity, 1.0, night.vae, 16, 16) is velocity


def straight_to(latents):
    """The velocity of a network that knows its answer: from wherever it is shown to those latents."""
    return lambda shown, time, step: (latents - shown) / time


@torch.inference_mode()
@given(st.floats(0.2, 1), st.floats(0.1, 1))
def test_a_sampler_ends_as_bright_as_the_scene_where_its_network_paints_exposed_latents(exposure, strength):
    """And what it is shown on the way is the exposed answer, as noisy as if it had been sampled by itself."""
    vae = speaking(MICRO).vae
    black = vae.normalise(vae.encode(torch.full((1, 3, 1, 16, 24), -1.0)).mode())
    scene, noise = torch.randn(2, 1, 16, 3, 2, 3, generator=torch.Generator().manual_seed(0)).unbind()
    answer, seen = exposure * scene + (1 - exposure) * black, []

    def network(shown, time, step):
        seen.append((shown, time))
        return straight_to(answer)(shown, time, step)

    velocity = as_exposed(network, exposure, vae, 16, 24)
    found = sample(velocity, strength * noise / exposure, 5, 1.0)
    assert torch.allclose(found, scene, atol=1e-4)
    for shown, time in seen:
        assert torch.allclose(shown, (1 - time) * answer + time * strength * noise, atol=1e-4)


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


def test_a_record_tells_the_exposure_where_there_is_one(night, tmp_path):
    shot = lit(2, frames=9)
    generate(shot, night, tmp_path, lambda progress: None)
    told = json.loads((tmp_path / "record.json").read_text())
    assert told["exposure"] == night.exposure(shot) < 1
    generate(lit(0.1, frames=9), night, tmp_path, lambda progress: None)
    assert "exposure" not in json.loads((tmp_path / "record.json").read_text())


@torch.inference_mode()
def test_what_is_held_stays_where_it_was_whatever_the_exposure(night, tmp_path):
    """A part is made again after the pictures of the cast have become darker."""
    generate(lit(2, frames=41), night, tmp_path, lambda progress: None)
    shot = remade(lit(1, frames=41), tmp_path, (24, 28))
    assert night.exposure(shot) != night.exposure(lit(2))
    before, after = np.load(tmp_path / "latents.npy"), denoise(shot, "hash", night, lambda progress: None)
    kept = ~shot.kept.again
    assert kept.any()
    assert np.array_equal(before[:, kept], after[0, :, torch.from_numpy(kept)].numpy())
