"""The analytic counts are those of torch, for every named model."""

from dataclasses import asdict, replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from isa_engine.configuration import MODELS, ModelConfig, VAEConfig, model_config
from isa_engine.cost import autoencoder
from isa_engine.cost.generation import Work, generation, step, tiles_of, tokens, weight_count
from isa_engine.cost.image_tower import image_tower, token_count
from isa_engine.cost.products import between_tokens, operations, weights
from isa_engine.dit import ImageTower
from isa_engine.pipeline.isa.model import build_matte_head, build_parts
from isa_engine.shot import canvas_size
from isa_engine.vae import VideoVAE
from isa_engine.vae.causal_conv import Past

FRAMES, WIDTH, HEIGHT = 13, 160, 96
# Of a count; what torch leaves out or counts element-wise is less.
CLOSE = 0.05


@pytest.fixture(scope="module", params=MODELS)
def config(request) -> ModelConfig:
    return model_config(request.param)


def counted(network: torch.nn.Module, *inputs) -> int:
    """Operations of a forward pass, as torch counts them."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    return counter.get_total_flops()


def total(products) -> int:
    return sum(operations(products).values())


def numbers(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def vae_of(config: VAEConfig) -> VideoVAE:
    with torch.device("meta"):
        return VideoVAE(**asdict(config))


def latents_of(config: VAEConfig) -> torch.Tensor:
    side = config.spatial_compression
    size = config.latent_channels, 1 + (FRAMES - 1) // 4, HEIGHT // side, WIDTH // side
    return torch.zeros(1, *size, device="meta")


def test_the_encoder(config):
    video = torch.zeros(1, 3, FRAMES, HEIGHT, WIDTH, device="meta")
    found = total(autoencoder.encoder(config.vae, FRAMES, WIDTH, HEIGHT))
    assert found == pytest.approx(counted(vae_of(config.vae).encoder, video, Past()), rel=CLOSE)


def test_the_decoder(config):
    found = total(autoencoder.decoder(config.vae, FRAMES, WIDTH, HEIGHT))
    vae = vae_of(config.vae)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        vae.decode(latents_of(config.vae))
    true = counter.get_total_flops()
    assert found == pytest.approx(true, rel=CLOSE)


def test_the_decoder_in_pieces_as_a_plate_is_decoded(config):
    vae, latents = vae_of(config.vae), latents_of(config.vae)

    def in_pieces():
        state = None
        for piece in latents.split(2, dim=2):
            _, state = vae.decode_chunk(piece, state)

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        in_pieces()
    found = total(autoencoder.decoder(config.vae, FRAMES, WIDTH, HEIGHT))
    assert found == pytest.approx(counter.get_total_flops(), rel=CLOSE)


@pytest.mark.parametrize(
    "change",
    [
        {"block_out_channels": (32, 64, 96, 96)},
        {"block_out_channels": (32, 32, 64)},
        {"layers_per_block": 1},
        {"latent_channels": 4},
    ],
)
def test_an_autoencoder_of_other_sizes(change):
    config = replace(VAEConfig(block_out_channels=(32, 64, 64)), **change)
    video = torch.zeros(1, 3, FRAMES, HEIGHT, WIDTH, device="meta")
    vae, size = vae_of(config), (FRAMES, WIDTH, HEIGHT)
    assert total(autoencoder.encoder(config, *size)) == counted(vae.encoder, video, Past())
    assert total(autoencoder.decoder(config, *size)) == counted(vae.decoder, latents_of(config), Past())


def test_the_matte_head(config):
    with torch.device("meta"):
        head = build_matte_head(config)
    found = total(autoencoder.matte_head(config.matte_head, config.vae, FRAMES, WIDTH, HEIGHT))
    assert found == pytest.approx(counted(head, latents_of(config.vae)), rel=CLOSE)


def test_the_image_tower(config):
    with torch.device("meta"):
        # In training torch takes no shortcut that its counter does not see into.
        tower = ImageTower(**asdict(config.image_tower)).train()
    size = config.image_tower.size
    pictures = torch.zeros(2, 3, size, size, device="meta")
    true = counted(tower.transformer, pictures)
    assert total(image_tower(config.image_tower, 2)) == pytest.approx(true, rel=CLOSE)
    assert token_count(config.image_tower) == tower.token_count


def test_weights_are_all_parameters_but_biases_norms_and_tables(config):
    with torch.device("meta"):
        parts = build_parts(config)
    for part, count in weight_count(config).items():
        assert count == pytest.approx(numbers(parts[part]), rel=CLOSE), part


def test_a_canvas_in_tiles_costs_as_many_steps_as_it_has_tiles(config):
    small, large = (
        Work(FRAMES, *canvas_size(WIDTH, HEIGHT, config.short_side, config.multiple, detail), 2, 10, 2.0)
        for detail in (1, 3)
    )
    count, tile = tiles_of(config, large)
    assert count > 9
    side = config.vae.spatial_compression
    seen = replace(small, height=side * tile[0], width=side * tile[1])
    assert total(step(config, large)) == count * total(step(config, seen))
    assert tokens(config, large) == {name: count * each for name, each in tokens(config, seen).items()}
    # The autoencoder does the canvas at once, however large.
    pixels = large.width * large.height / (seen.width * seen.height)
    decode = (generation(config, each)["decode"] for each in (large, seen))
    assert next(decode) == pytest.approx(pixels * next(decode), rel=CLOSE)


def test_a_generation_is_its_phases():
    config = model_config("isa-tiny")
    work = Work(25, 224, 128, 2, 12, 2.5)
    whole, longer = generation(config, work), generation(config, replace(work, steps=24))
    assert longer["denoise"] - whole["denoise"] == 12 * total(step(config, work))
    assert longer["encode"] == whole["encode"]
    unguided = step(config, replace(work, guidance=1.0))
    assert total(unguided) < total(step(config, work)) < 2 * total(unguided)
    # Attention's share grows with the canvas: what is not between tokens grows as their number does.
    # Up to the model's own: a larger one is seen in tiles.
    small = replace(work, width=work.width // 2, height=work.height // 2)
    few, many = (sum(between_tokens(step(config, each)).values()) for each in (small, work))
    rest = [total(step(config, each)) - part for each, part in ((small, few), (work, many))]
    assert many / few > 4 > rest[1] / rest[0] > 1
    assert weights(image_tower(config.image_tower, 1)) == weights(image_tower(config.image_tower, 5))
