"""Where errors count for more: on the figures, and beside them."""

import dataclasses

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.dit import Conditioning
from isa_engine.geometry.ndc import latent_pixels
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit.figures import figures, shadows
from isa_engine.training.dit.trainer import DiTTrainer
from tests.training.micro import micro_networks, one_batch

HEIGHT, WIDTH = 5, 7


def cast(ndc: torch.Tensor, visible: torch.Tensor) -> Conditioning:
    """One video of ``ndc`` ``(5, P, 3)``, two latents, and nothing else."""
    points = ndc.shape[1]
    return Conditioning(
        points=torch.zeros_like(ndc)[None],
        ndc=ndc[None],
        visible=visible[None],
        identity=torch.zeros(1, points, 16),
        identity_known=torch.zeros(1, points, dtype=torch.bool),
        image_tokens=torch.zeros(1, 1, 16),
        image_known=torch.zeros(1, 1, dtype=torch.bool),
        reference_latents=torch.zeros(1, 16, HEIGHT, WIDTH),
        background_latents=torch.zeros(1, 16, 2, HEIGHT, WIDTH),
        cameras=torch.zeros(1, 2, 24, HEIGHT, WIDTH),
    )


@given(st.integers(0, 4), st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1))
def test_a_point_marks_the_latent_pixel_that_shows_it_and_those_beside_it(frame, row, column):
    ndc = torch.as_tensor(latent_pixels(HEIGHT, WIDTH))[row, column].expand(5, 1, 3)
    visible = torch.arange(5)[:, None] == frame
    marked = figures(cast(ndc, visible))[0, 0].numpy()
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    beside = (abs(rows - row) <= 1) & (abs(columns - column) <= 1)
    # The first latent is the first frame's, the other holds the four after it.
    shown = int(frame > 0)
    assert np.array_equal(marked[shown], beside)
    assert not marked[1 - shown].any()


@given(st.sampled_from([-7.0, -1.01, 1.0, 1e6]), st.booleans())
def test_nobody_is_marked_beyond_the_picture(place, across):
    x, y = (place, 0.0) if across else (0.0, -place)
    ndc = torch.tensor([x, y, 0.0]).expand(5, 1, 3)
    assert not figures(cast(ndc, torch.ones(5, 1, dtype=torch.bool))).any()


@given(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1))
def test_a_shadow_is_where_a_picture_differs_from_its_background_off_the_figures(row, column):
    ndc = torch.as_tensor(latent_pixels(HEIGHT, WIDTH))[0, 0].expand(5, 1, 3)
    of_one = cast(ndc, torch.ones(5, 1, dtype=torch.bool))
    background = torch.ones_like(of_one.background_latents)
    known = dataclasses.replace(of_one, background_latents=background)
    picture = background.clone()
    picture[..., row, column] -= 0.3
    marked = shadows(picture, known, figures(known))
    assert marked.sum() == (0 if row <= 1 and column <= 1 else 2)
    assert not marked.bool().logical_and(figures(known).bool()).any()
    assert not shadows(background + 0.05, known, figures(known)).any()
    nobody = dataclasses.replace(known, visible=torch.zeros_like(known.visible))
    assert not shadows(picture, of_one, figures(of_one)).any()
    assert not shadows(picture, nobody, figures(nobody)).any()


def test_an_error_of_a_figure_counts_as_often_as_it_is_told_to():
    latents, conditioning, pictures = one_batch(0)
    visible = conditioning.visible.clone()
    visible[1] = False
    corner = torch.full_like(conditioning.ndc, -0.9)
    conditioning = dataclasses.replace(conditioning, ndc=corner, visible=visible)
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(5))
    figure = figures(conditioning)
    assert 0 < figure[0].mean() < 0.5
    assert not figure[1].any()

    def loss(weight: float, wrong: torch.Tensor) -> float:
        training = DiTTrainer(DiTTraining(figure_weight=weight), one_batch, networks=micro_networks())
        training.networks = lambda *told: latents - noise + 2 * wrong
        return training.loss(latents, conditioning, pictures, torch.Generator().manual_seed(5)).item()

    share = figure.mean().item()
    assert np.isclose(loss(1.0, figure), 4 * share)
    assert np.isclose(loss(3.0, figure), 4 * 3 * share / (1 + 2 * share))
    assert np.isclose(loss(3.0, 1 - figure), 4 * (1 - share) / (1 + 2 * share))


def test_an_error_of_a_shadow_counts_as_often_as_it_is_told_to():
    latents, conditioning, pictures = one_batch(0)
    conditioning = dataclasses.replace(
        conditioning,
        ndc=torch.full_like(conditioning.ndc, -0.9),
        background_latents=torch.ones_like(latents),
    )
    latents = torch.ones_like(latents)
    latents[..., -1] = 0.5
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(5))
    shadow = shadows(latents, conditioning, figures(conditioning))
    share = shadow.mean().item()
    assert 0 < share < 0.5

    def loss(weight: float) -> float:
        training = DiTTrainer(DiTTraining(shadow_weight=weight), one_batch, networks=micro_networks())
        training.networks = lambda *told: latents - noise + 2 * shadow
        return training.loss(latents, conditioning, pictures, torch.Generator().manual_seed(5)).item()

    assert np.isclose(loss(1.0), 4 * share)
    assert np.isclose(loss(5.0), 4 * 5 * share / (1 + 4 * share))
