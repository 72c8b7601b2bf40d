"""What the whole transformer promises about its conditions."""

from dataclasses import asdict, replace

import pytest
import torch

from isa_engine.configuration import MODELS, model_config
from isa_engine.dit import Conditioning, ISADiT
from isa_engine.dit.attention import Attention
from isa_engine.errors import ModelError
from tests.dit.small_models import LATENTS, SMALL, hidden, inputs, moved, permuted, transformer

P = SMALL.points


@pytest.fixture(scope="module")
def model() -> ISADiT:
    return transformer()


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.allclose(a, b, atol=1e-4)


@pytest.mark.parametrize(("latents", "height", "width"), [(1, 2, 2), (1, 8, 6), (4, 4, 10)])
def test_any_length_and_canvas_gives_a_velocity_of_its_shape(model, latents, height, width):
    x, time, conditioning = inputs(latents=latents, height=height, width=width)
    velocity = model(x, time, conditioning)
    assert velocity.shape == x.shape
    assert velocity.isfinite().all()


# What other models alone read, what only says whether the network is asked, and what the gate alone is told.
UNHEARD = "normal_maps", "owners", "whereabouts", "reprojected_latents"


@pytest.mark.parametrize(
    "field",
    [f for f in Conditioning.__dataclass_fields__ if "known" not in f and f not in UNHEARD],
)
def test_every_condition_has_its_say(model, field):
    x, time, conditioning = inputs()
    if field == "visible":
        changed = hidden(conditioning, (slice(None), slice(None), 0))
    else:
        changed = moved(conditioning, field, (slice(None), ..., 0))
    assert not same(model(x, time, conditioning), model(x, time, changed))


def test_each_video_of_a_batch_is_on_its_own(model):
    x, time, conditioning = inputs()
    second = Conditioning(**{name: value[1:] for name, value in vars(conditioning).items()})
    assert same(model(x, time, conditioning)[1:], model(x[1:], time[1:], second))


def test_the_order_of_points_and_of_characters_does_not_matter(model):
    x, time, conditioning = inputs()
    before = model(x, time, conditioning)
    shuffled = torch.cat([torch.randperm(P), P + torch.randperm(P)])
    assert same(before, model(x, time, permuted(conditioning, shuffled)))
    swapped = torch.arange(2 * P).roll(P)
    assert same(before, model(x, time, permuted(conditioning, swapped)))


def test_a_character_wholly_behind_the_camera_leaves_the_video_unchanged(model):
    x, time, conditioning = inputs()
    ben = slice(P, 2 * P)
    behind = hidden(conditioning, (slice(None), slice(None), ben))
    alone = permuted(conditioning, torch.arange(P))
    assert same(model(x, time, behind), model(x, time, alone))


def test_points_behind_the_camera_in_some_frames_say_nothing_of_those_frames(model):
    x, time, conditioning = inputs()
    where = (slice(None), slice(2, 6), slice(3, 8))
    behind = hidden(conditioning, where)
    elsewhere = moved(moved(behind, "points", where), "ndc", where)
    assert torch.equal(model(x, time, behind), model(x, time, elsewhere))
    assert not same(model(x, time, behind), model(x, time, conditioning))


def test_without_cast_is_finite_and_equals_nobody_being_there(model):
    x, time, conditioning = inputs()
    unconditional = model(x, time, conditioning.without_cast())
    nobody = permuted(conditioning, torch.arange(0))
    nobody = replace(
        nobody,
        reference_latents=torch.zeros_like(nobody.reference_latents),
        image_known=torch.zeros_like(nobody.image_known),
    )
    assert unconditional.isfinite().all()
    assert same(unconditional, model(x, time, nobody))
    assert not same(unconditional, model(x, time, conditioning))
    # Camera and background stay.
    for field in ("cameras", "background_latents"):
        changed = moved(conditioning.without_cast(), field, ...)
        assert not same(unconditional, model(x, time, changed))


def test_a_characters_identity_depends_on_its_own_reference_alone(model):
    _, _, conditioning = inputs()

    def tokens(of: Conditioning) -> torch.Tensor:
        return model.point_tokens(of.points, of.identity, of.identity_known)

    ben = (slice(None), slice(P, 2 * P))
    difference = (tokens(moved(conditioning, "identity", ben)) - tokens(conditioning)).abs().amax((0, 1, 3))
    assert (difference[:P] == 0).all()
    assert (difference[P:] > 0).all()


def test_an_unknown_identity_is_one_learned_embedding(model):
    x, time, conditioning = inputs()
    unknown = replace(conditioning, identity_known=torch.zeros_like(conditioning.identity_known))
    assert same(model(x, time, unknown), model(x, time, moved(unknown, "identity", ...)))
    assert not same(model(x, time, unknown), model(x, time, conditioning))


def test_unknown_pictures_say_nothing(model):
    x, time, conditioning = inputs()
    unknown = replace(conditioning, image_known=torch.zeros_like(conditioning.image_known))
    assert same(model(x, time, unknown), model(x, time, moved(unknown, "image_tokens", ...)))


@pytest.mark.parametrize("window", [None, 2])
def test_masks_are_made_where_something_is_hidden_alone_and_change_no_bit(monkeypatch, window):
    """With a mask CUDA's fastest attention cannot be used."""
    model, given = transformer(temporal_window=window, temporal_stride=1), inputs(latents=4)
    masks, attend = [], Attention.attend

    def watched(self, queries, keys, values, seen=None):
        masks.append(seen)
        return attend(self, queries, keys, values, seen)

    monkeypatch.setattr(Attention, "attend", watched)
    free = model(*given)
    assert masks
    assert all(mask is None for mask in masks)
    masked = replace(given[2])
    masked.__dict__["hides"] = True
    assert torch.equal(model(*given[:2], masked), free)
    assert any(mask is not None for mask in masks)
    for behind in (hidden(given[2], (0, 5, 1)), replace(given[2], image_known=given[2].image_known & False)):
        assert behind.hides
        assert not torch.equal(model(*given[:2], behind), free)


def test_the_ablation_sees_the_points_but_not_where_they_project():
    x, time, conditioning = inputs()
    ablated = transformer(conditioning="isa-without-ispe")
    before = ablated(x, time, conditioning)
    assert same(before, ablated(x, time, moved(conditioning, "ndc", ...)))
    assert not same(before, ablated(x, time, moved(conditioning, "points", ...)))


@pytest.mark.parametrize("frame", [0, 1, 4, 5])
def test_with_silent_temporal_branches_a_frames_points_reach_its_latent_alone(frame):
    one = transformer(layers=1)
    for branch in (one.transformer_blocks[0].temporal, one.transformer_blocks[0].point_temporal):
        branch.attention.to_out.weight.zero_()
    # The image tokens and the timestep reach every latent, but equally before and after.
    x, time, conditioning = inputs(latents=LATENTS)
    before = one(x, time, conditioning)
    after = one(x, time, moved(conditioning, "points", (slice(None), frame)))
    changed = [j for j in range(LATENTS) if not same(before[:, :, j], after[:, :, j])]
    assert changed == [-(-frame // 4)]


def test_temporal_attention_carries_a_frame_to_the_others(model):
    x, time, conditioning = inputs()
    after = model(x, time, moved(conditioning, "points", (slice(None), 0)))
    assert not same(model(x, time, conditioning)[:, :, -1], after[:, :, -1])


def test_video_knows_the_direction_of_time(model):
    x, time, conditioning = inputs()
    forwards = conditioning.without_cast()
    backwards = replace(
        forwards,
        background_latents=forwards.background_latents.flip(2),
        cameras=forwards.cameras.flip(1),
    )
    assert not same(model(x, time, forwards), model(x.flip(2), time, backwards).flip(2))


def test_points_know_the_order_of_frames_within_a_window(model):
    x, time, conditioning = inputs(latents=2)
    order = torch.tensor([0, 2, 1, 4, 3])
    shuffled = replace(conditioning, points=conditioning.points[:, order], ndc=conditioning.ndc[:, order])
    assert not same(model(x, time, conditioning), model(x, time, shuffled))


def test_new_branches_start_as_no_ops():
    fresh = transformer(speaking=False)
    # Let the image transformer speak, and nothing of what the paper adds to it.
    for layer in (fresh.unpatchify, fresh.modulation_out):
        torch.nn.init.normal_(layer.weight)
    for block in fresh.transformer_blocks:
        torch.nn.init.normal_(block.spatial_modulation.weight)
    x, time, conditioning = inputs()
    before = fresh(x, time, conditioning)
    for field in ("points", "ndc", "identity", "image_tokens", "cameras"):
        assert torch.equal(before, fresh(x, time, moved(conditioning, field, ...)))
    later = fresh(torch.cat([x[:, :, :1], x[:, :, 1:] + 1], 2), time, conditioning)
    assert same(before[:, :, 0], later[:, :, 0])


def test_a_fresh_model_predicts_zero_velocity():
    x, time, conditioning = inputs()
    assert not transformer(speaking=False)(x, time, conditioning).any()


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_gradient_reaches_every_parameter(checkpointing):
    model = transformer().train()
    if checkpointing:
        model.enable_gradient_checkpointing()
    x, time, conditioning = inputs()
    some = conditioning.identity_known.clone()
    some[:, ::3] = False
    with torch.enable_grad():
        velocity = model(x, time, replace(conditioning, identity_known=some))
        velocity.square().mean().backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_half_precision_stays_near(model):
    x, time, conditioning = inputs()
    exact = model(x, time, conditioning)
    half = transformer().to(torch.bfloat16)(x.bfloat16(), time, conditioning)
    assert half.dtype == torch.bfloat16
    assert (half - exact).abs().mean() < 0.05 * exact.abs().mean()


@pytest.mark.parametrize("name", MODELS)
def test_every_named_model_can_be_built(name):
    with torch.device("meta"):
        model = ISADiT(**asdict(model_config(name).dit))
    assert model.config.points == model_config(name).dit.points


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"heads": 5}, "48 does not divide into 5 heads"), ({"conditioning": "text"}, "no conditioning 'text'")],
)
def test_a_configuration_that_makes_no_sense_is_named(changes, words):
    with pytest.raises(ModelError, match=words):
        ISADiT(**asdict(replace(SMALL, **changes)))
