"""A span of a take decodes to the same bits as the same frames of the whole."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from isa_engine import sandbox
from isa_engine.configuration import VAEConfig
from isa_engine.controls.set_occlusion import occluded_by_set
from isa_engine.dit.background_gate import BackgroundGate
from isa_engine.geometry.frames import DECODED_AT_ONCE, decoding_spans, frames_before, latent_count
from isa_engine.pipeline import background
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.isa import decode, painter
from isa_engine.pipeline.isa.background_latents import encode_background
from isa_engine.pipeline.isa.decode import Background, decode_matte, decode_plate
from isa_engine.pipeline.isa.model import build_model
from isa_engine.pipeline.isa.nearness import nearness
from isa_engine.pipeline.isa.over_background import REACH
from isa_engine.pipeline.isa.reprojection import reprojected_frame, textures_of
from isa_engine.pipeline.matte import projected_bodies
from isa_engine.shot import Shot
from tests.pipeline.shots import MICRO, footage, make_shot

FRAMES = 205


@pytest.fixture(scope="module")
def trained():
    """As if its weights came from a folder: every layer of its autoencoder and matte head speaks."""
    model = replace(build_model(MICRO, None, "cpu"), trained=True)
    for network in (model.vae.encoder, model.vae.decoder, model.matte_head):
        for k, parameter in enumerate(network.parameters()):
            wave = parameter.new_tensor(range(parameter.numel())).mul(1.3 + k).sin()
            parameter.add_(0.1 * wave.reshape(parameter.shape))
    return model


@pytest.fixture(scope="module")
def gated(trained):
    """The same with a gate, so that casts are reprojected."""
    return replace(trained, gate=BackgroundGate(width=MICRO.dit.width, patch=MICRO.dit.patch))


def before_footage(frames: int, **settings) -> Shot:
    """Two balls, each with a picture, before a background that brightens."""
    shot = replace(make_shot(frames), background=footage(frames))
    return replace(shot, settings=replace(shot.settings, width=24, height=16, **settings))


@pytest.fixture(scope="module")
def latents(trained):
    shape = (1, trained.config.vae.latent_channels, latent_count(FRAMES), 2, 3)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def plate_and_matte(latents, model, shot) -> list[np.ndarray]:
    """Both of a whole take, ``(F, H, W, 3)``."""
    given = Background.of(shot, model)
    return [np.stack(list(each(latents, model, shot, given))) for each in (decode_plate, decode_matte)]


def test_spans_cover_a_take_once():
    for frames in (1, 2, 16, 17, 61, 200):
        spans = decoding_spans([frames], 6)
        assert [span[0] for span in spans[1:]] == [span[1] for span in spans[:-1]]
        assert (spans[0][0], spans[-1][1]) == (0, latent_count(frames))
        assert all(first % DECODED_AT_ONCE == 0 for first, _ in spans)


@pytest.mark.parametrize("over", ["nothing", "a background", "a cast reprojected"])
@pytest.mark.parametrize("output", ["plate", "matte"])
def test_spans_equal_the_whole_bit_for_bit(output, over, trained, gated, latents):
    shot = make_shot(FRAMES) if over == "nothing" else before_footage(FRAMES)
    model = gated if over == "a cast reprojected" else trained

    def frames(span=None):
        given = Background.of(shot, model, span)
        assert given is None or (given.textures != ()) == (model is gated)
        if output == "plate":
            return np.stack(list(decode_plate(latents, model, shot, given, span)))
        return np.stack(list(decode_matte(latents, model, shot, given, span)))

    whole = frames()
    assert len(whole) == FRAMES
    for span in decoding_spans([FRAMES], 20):
        assert np.array_equal(frames(span), whole[frames_before(span[0]) : frames_before(span[1])])


def test_a_span_does_not_decode_the_take_before_what_it_remembers(trained, latents, monkeypatch):
    decoded = []
    decode_chunk = type(trained.matte_head).decode_chunk

    def counting(self, chunk, state):
        decoded.append(chunk.shape[2])
        return decode_chunk(self, chunk, state)

    monkeypatch.setattr(type(trained.matte_head), "decode_chunk", counting)
    list(decode_matte(latents, trained, make_shot(FRAMES), None, (48, 52)))
    assert 8 <= sum(decoded) < 52


@pytest.fixture(scope="module", params=["windows", "convolutions"])
def encoding(request):
    """A model with each kind of encoder, every layer of which speaks."""
    vae = VAEConfig(latent_channels=4, block_out_channels=(4, 4, 4), layers_per_block=1, norm_groups=2)
    model = build_model(
        replace(MICRO, vae=vae if request.param == "convolutions" else MICRO.vae), None, "cpu"
    )
    for k, parameter in enumerate(model.vae.encoder.parameters()):
        wave = parameter.new_tensor(range(parameter.numel())).mul(1.3 + k).sin()
        parameter.add_(0.1 * wave.reshape(parameter.shape))
    return model


@pytest.mark.parametrize("cast", ["nobody", "the cast"])
@torch.inference_mode()
def test_a_part_of_a_background_is_encoded_to_the_bits_that_it_has_in_the_whole(encoding, cast):
    frames = 389
    shot = before_footage(frames)
    textures = () if cast == "nobody" else textures_of(shot)
    whole = encode_background(shot, range(frames), encoding, textures=textures)
    assert not torch.equal(whole[:, :, 1:], whole[:, :, :-1])
    for first, last in [
        (0, 1),
        (0, 4),
        (1, 2),
        (5, 9),
        (7, 40),
        (65, 66),
        (79, 83),
        (96, latent_count(frames)),
    ]:
        part = encode_background(shot, range(frames), encoding, (first, last), textures=textures)
        assert torch.equal(part, whole[:, :, first:last])


def test_a_span_does_not_encode_the_background_before_what_its_stream_remembers(trained, monkeypatch):
    encoded = []
    encode_chunk = type(trained.vae).encode_chunk

    def counting(self, video, state):
        encoded.append(video.shape[2])
        return encode_chunk(self, video, state)

    monkeypatch.setattr(type(trained.vae), "encode_chunk", counting)
    Background.of(before_footage(FRAMES), trained, (44, 48))
    assert 16 <= sum(encoded) < FRAMES / 2


@torch.inference_mode()
def test_a_take_that_is_its_background_shows_the_backgrounds_own_pixels_and_nobody(trained):
    """Whatever the autoencoder makes of them, and with a cut in it."""
    shot = replace(make_shot(9), background=footage(9), cuts=(4,))
    given = Background.of(shot, trained)
    plate = np.stack(list(decode_plate(given.latents, trained, shot, given)))
    assert np.array_equal(plate, background_frames(shot, range(9)))
    assert not np.stack(list(decode_matte(given.latents, trained, shot, given))).any()


@pytest.mark.parametrize("scale", [1, 3])
@torch.inference_mode()
def test_a_take_that_leaves_the_cast_as_reprojected_shows_all_that_the_references_do(gated, scale):
    """Whatever the autoencoder makes of it; as finely as the plate is; with a cut in it."""
    shot = replace(before_footage(9, plate_scale=scale), cuts=(4,))
    given = Background.of(shot, gated)
    plate = np.stack(list(decode_plate(given.known, gated, shot, given)))
    pictures, size = background_frames(shot, range(9), scale), (24 * scale, 16 * scale)
    cast = np.stack([reprojected_frame(shot, *each, textures_of(shot)) for each in enumerate(pictures)])
    near = np.stack([nearness(shot, number, size, REACH) for number in range(9)])
    assert (near == 1).sum() > 50
    assert np.array_equal(plate[near == 1], cast[near == 1])
    assert np.array_equal(plate[near == 0], pictures[near == 0])
    assert not np.array_equal(cast[near == 1], pictures[near == 1])
    # The matte has whoever is reprojected, and nobody of whom nothing but the background is left.
    assert np.stack(list(decode_matte(given.known, gated, shot, given))).any()
    assert not np.stack(list(decode_matte(given.latents, gated, shot, given))).any()


@torch.inference_mode()
def test_nobody_is_reprojected_for_a_model_without_a_gate(trained, gated):
    shot = before_footage(9)
    given = Background.of(shot, trained)
    assert torch.equal(given.known, given.latents)
    picture = given.frame(3)
    assert np.array_equal(given.reprojected(3, picture), picture)
    given = Background.of(shot, gated)
    assert not torch.equal(given.known, given.latents)


@torch.inference_mode()
def test_a_thing_of_the_set_hides_the_cast_as_reprojected(gated):
    shot = before_footage(9, plate_scale=1)
    near = np.full((1, 16, 24), np.inf, np.float16)
    near[..., :12] = 0.5
    hiding = replace(shot, background_depth=near)
    given = Background.of(hiding, gated)
    plate = np.stack(list(decode_plate(given.known, gated, hiding, given)))
    pictures = background_frames(hiding, range(9))
    covered = np.stack([occluded_by_set(hiding, *each) for each in enumerate(pictures)]) == 1
    assert np.array_equal(plate[covered], pictures[covered])
    assert not np.array_equal(plate, pictures)


@pytest.mark.parametrize("scale", [1, 3])
@torch.inference_mode()
def test_a_thing_of_the_set_before_the_cast_is_in_the_plate_and_not_in_the_matte(trained, latents, scale):
    shot = replace(make_shot(9), background=footage(9), shadows=True)
    shot = replace(shot, settings=replace(shot.settings, width=24, height=16, plate_scale=scale))
    near = np.full((1, 16, 24), np.inf, np.float16)
    near[..., :12] = 0.5
    hiding = replace(shot, background_depth=near)
    latents = latents[:, :, :3]

    plate, matte = plate_and_matte(latents, trained, hiding)
    open_plate, open_matte = plate_and_matte(latents, trained, shot)
    pictures = background_frames(hiding, range(9), scale)
    covered = np.stack([occluded_by_set(hiding, *each) for each in enumerate(pictures)])
    hidden, in_sight = covered == 1, covered == 0
    assert open_matte[hidden].any()
    assert not matte[hidden].any()
    assert np.array_equal(matte[in_sight], open_matte[in_sight])
    assert np.array_equal(plate[in_sight], open_plate[in_sight])
    assert not np.array_equal(plate[hidden], open_plate[hidden])
    between = (covered > 0.2) & (covered < 0.8)
    assert between.any() == (scale > 1)
    assert (matte[between] <= open_matte[between]).all()


@pytest.mark.parametrize("scale", [2, 3])
@torch.inference_mode()
def test_a_larger_plate_has_the_backgrounds_own_pixels_and_finer_outlines(trained, latents, scale):
    shot = replace(make_shot(9), background=footage(9), shadows=True)
    shot = replace(shot, settings=replace(shot.settings, width=24, height=16))
    larger = replace(shot, settings=replace(shot.settings, plate_scale=scale))
    latents = latents[:, :, :3]

    plate, matte = plate_and_matte(latents, trained, larger)
    assert plate.shape == matte.shape == (9, 16 * scale, 24 * scale, 3)
    # Where nobody is near, the background as it was given, which has more than the canvas shows.
    size = 24 * scale, 16 * scale
    far = np.stack([nearness(larger, frame, size, REACH) == 0 for frame in range(9)])
    assert far.any()
    assert np.array_equal(plate[far], background_frames(larger, range(9), scale)[far])
    bodies = np.stack([projected_bodies(larger, frame, size) for frame in range(9)])
    assert bodies.any()
    assert not matte[far & (bodies == 0)].any()
    # What the network painted is the same picture, larger.
    small_plate, small_matte = plate_and_matte(latents, trained, shot)
    for large, small in ((plate, small_plate), (matte, small_matte)):
        reduced = large.reshape(9, 16, scale, 24, scale, 3).mean((2, 4))
        assert np.abs(reduced - small).mean() < 12
    parts = [
        list(decode_plate(latents, trained, larger, Background.of(larger, trained, span), span))
        for span in decoding_spans([9], 2)
    ]
    assert np.array_equal(np.concatenate(parts), plate)


@torch.inference_mode()
def test_without_a_background_a_plate_has_its_canvass_pixels(trained, latents):
    shot = make_shot(9)
    shot = replace(shot, settings=replace(shot.settings, width=24, height=16, plate_scale=2))
    assert Background.of(shot, trained) is None
    for frames in (decode_plate, decode_matte):
        assert next(iter(frames(latents[:, :, :3], trained, shot, None))).shape == (16, 24, 3)


def test_an_untrained_models_pictures_are_shown_as_they_are(trained, latents):
    """Laid over the background, noise in the outline of a body would look like somebody."""
    bare = make_shot(9)
    bare = replace(bare, settings=replace(bare.settings, width=24, height=16))
    shot, latents = replace(bare, background=footage(9)), latents[:, :, :3]

    def plate(shot, model):
        return np.stack(list(decode_plate(latents, model, shot, Background.of(shot, model))))

    as_it_is = plate(shot, replace(trained, trained=False))
    assert np.array_equal(as_it_is, plate(bare, trained))
    assert not np.array_equal(as_it_is, plate(shot, trained))


@pytest.mark.parametrize(("centres", "times"), [((), 1), (((0, 0, 0),), 2)], ids=["nobody", "somebody"])
def test_plate_and_matte_are_laid_over_a_background_that_is_encoded_once(
    gated, latents, monkeypatch, centres, times
):
    """And once more with the cast before it, where there is one."""
    encoded = []

    def counted(shot, numbers, *asked, **textures):
        encoded.append(numbers)
        return encode_background(shot, numbers, *asked, **textures)

    monkeypatch.setattr(decode, "encode_background", counted)
    shot = replace(make_shot(9, centres=centres), background=footage(9))
    shot = replace(shot, settings=replace(shot.settings, width=24, height=16))
    plate, matte = painter.frames(latents[:, :, :3], gated, shot, None, lambda progress: None)
    assert len(list(plate)) == len(list(matte)) == 9
    assert encoded == [range(9)] * times


@torch.inference_mode()
def test_where_people_are_is_found_once_a_frame_for_plate_and_matte(trained, latents, monkeypatch):
    shot = replace(make_shot(9), background=footage(9))
    depth = np.full((1, 16, 24), np.inf, np.float16)
    depth[..., :12] = 0.5
    canvas = replace(shot.settings, width=24, height=16, plate_scale=2)
    shot, latents = replace(shot, settings=canvas, background_depth=depth), latents[:, :, :3]
    alone = list(decode_matte(latents, trained, shot, Background.of(shot, trained)))
    found = []
    for name in ("nearness", "occluded_by_set"):
        find = getattr(decode, name)

        def counting(shot, frame, *arguments, name=name, find=find):
            found.append((name, frame))
            return find(shot, frame, *arguments)

        monkeypatch.setattr(decode, name, counting)
    _, matte = plate_and_matte(latents, trained, shot)
    assert sorted(found) == [(name, frame) for name in ("nearness", "occluded_by_set") for frame in range(9)]
    assert np.array_equal(matte, alone)


@pytest.mark.parametrize(("cast", "times"), [("nobody", 2), ("the cast", 3)])
def test_of_a_long_background_a_few_windows_are_in_memory_and_it_is_read_once_for_each_use(
    trained, gated, monkeypatch, cast, times
):
    """Encoded alone, encoded with the cast before it, and shown by the plate, however often it is cut."""
    model = trained if cast == "nobody" else gated
    begun, longest = [], 0
    read = background._Reading.read

    def counted(reading, numbers):
        nonlocal longest
        found = read(reading, numbers)
        longest = max(longest, len(found), len(reading.kept))
        return found

    def opened(*asked):
        begun.append(asked)
        return sandbox.footage(*asked)

    monkeypatch.setattr(background._Reading, "read", counted)
    monkeypatch.setattr(background, "footage", opened)
    shot = replace(before_footage(101), cuts=(30, 50, 70))
    given = Background.of(shot, model)
    for _ in decode_plate(given.latents, model, shot, given):
        pass
    assert len(begun) == times
    assert longest <= 16
