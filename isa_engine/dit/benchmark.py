"""How well the ISA block uses a machine: its operations a second as a share of a plain matrix product's.

Beside it run blocks of other video transformers, of the same width and on as many tokens: those of a latent
frame, and as many beside them as a window has points. Repetitions take turns, so that whatever else slows
the machine slows all of them alike; and a processor's seconds are this process's own, of all threads
together, which other programs do not lengthen.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers.models.attention import BasicTransformerBlock, JointTransformerBlock
from diffusers.models.transformers.transformer_wan import WanTransformerBlock
from torch.utils.flop_counter import FlopCounterMode

from isa_engine.configuration import MODULATIONS, NEW_BRANCHES
from isa_engine.dit.isa_block import ISABlock, LayerInputs
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.networks.one_dnn import multiply_by_one_dnn

Pass = Callable[[], object]
OURS = "ISA block"
MATMUL = "matrix products"
# Tokens of a reference picture from CLIP's ViT-L/14.
_IMAGE_TOKENS = 257
# About as much work as the ISA block, so that a busy machine interrupts both as often.
_PRODUCTS = 16


@dataclass(frozen=True)
class Sizes:
    """The sizes of one transformer block.

    Attributes:
        width, heads: d, and attention heads.
        latents, space: t latent frames of S tokens.
        points: P point tokens a frame.
    """

    width: int
    heads: int
    latents: int
    space: int
    points: int


@dataclass(frozen=True)
class Speed:
    """How fast a forward pass was.

    Attributes:
        operations: of one forward pass, as ``FlopCounterMode`` counts.
        seconds: the median of all repetitions.
    """

    operations: int
    seconds: float

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds


def measure(
    sizes: Sizes, device: torch.device | str, dtype: torch.dtype, repetitions: int
) -> dict[str, Speed]:
    """The speed of each block and of the matrix products, by name; each runs ``repetitions`` times."""
    # The meta device has no fused attention kernels, so the counter sees every matrix product.
    operations = {name: _operations(once) for name, once in block_passes(sizes, "meta", dtype).items()}
    seconds = take_turns(block_passes(sizes, device, dtype), repetitions, device)
    return {name: Speed(operations[name], statistics.median(seconds[name])) for name in operations}


@torch.no_grad()
def _operations(once: Pass) -> int:
    with FlopCounterMode(display=False) as counter:
        once()
    return counter.get_total_flops()


@torch.inference_mode()
def take_turns(
    passes: dict[str, Pass], repetitions: int, device: torch.device | str
) -> dict[str, list[float]]:
    """The seconds of each repetition, after one to warm up."""
    seconds = {name: [] for name in passes}
    for once in passes.values():
        once()
    for _ in range(repetitions):
        for name, once in passes.items():
            began = _now(device)
            once()
            seconds[name].append(_now(device) - began)
    return seconds


def _now(device: torch.device | str) -> float:
    if torch.device(device).type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def block_passes(sizes: Sizes, device: torch.device | str, dtype: torch.dtype) -> dict[str, Pass]:
    """One forward pass of each block, and the matrix product that they are held against, by name."""
    torch.manual_seed(0)
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return {
                MATMUL: _matmul(sizes),
                OURS: _isa(sizes),
                "SD3 joint block": _sd3(sizes),
                "Latte, two blocks": _latte(sizes),
                "Wan block": _wan(sizes),
            }
    finally:
        torch.set_default_dtype(default)


def _matmul(sizes: Sizes) -> Pass:
    """The first half of a feed-forward on all video tokens, again and again."""
    tokens = torch.randn(sizes.latents * sizes.space, sizes.width)
    weights = torch.randn(sizes.width, 4 * sizes.width)
    return lambda: [tokens @ weights for _ in range(_PRODUCTS)]


def _isa(sizes: Sizes) -> Pass:
    d, t = sizes.width, sizes.latents
    frames = 1 + TEMPORAL_COMPRESSION * (t - 1)
    block = ISABlock(d, sizes.heads, qk_norm=True, conditioning="isa", last=False)
    # As a model's blocks run on a processor; elsewhere it changes nothing.
    multiply_by_one_dnn(block)
    inputs = LayerInputs(
        time=torch.randn(1, d),
        shared_modulation=torch.randn(1, NEW_BRANCHES["isa"] * MODULATIONS, d),
        latent_clock=torch.randn(t, d),
        frame_clock=torch.randn(frames, d),
        ispe=(torch.randn(sizes.space, d), torch.randn(1, frames, sizes.points, d)),
        visible=torch.ones(1, frames, sizes.points, dtype=torch.bool),
        cameras=torch.randn(1, t, sizes.space, d),
        image=torch.randn(1, 1, _IMAGE_TOKENS, d),
        image_known=torch.ones(1, 1, _IMAGE_TOKENS, dtype=torch.bool),
    )
    video, points = torch.randn(1, t, sizes.space, d), torch.randn(1, frames, sizes.points, d)
    return lambda: block(video, points, inputs)


def _sd3(sizes: Sizes) -> Pass:
    """Each latent frame an image, its window's points the text."""
    d = sizes.width
    block = JointTransformerBlock(d, sizes.heads, d // sizes.heads, qk_norm="rms_norm")
    video, window, time = _video(sizes), _window(sizes), torch.randn(sizes.latents, d)
    return lambda: block(video, window, time)


def _latte(sizes: Sizes) -> Pass:
    """A spatial block, which looks at the window's points as at a text, and a temporal one."""
    d = sizes.width

    def block(context: int | None) -> BasicTransformerBlock:
        return BasicTransformerBlock(
            d,
            sizes.heads,
            d // sizes.heads,
            cross_attention_dim=context,
            activation_fn="gelu-approximate",
            attention_bias=True,
            norm_type="ada_norm_single",
            norm_elementwise_affine=False,
            norm_eps=1e-6,
        )

    spatial, temporal = block(d), block(None)
    video, window, time = _video(sizes), _window(sizes), torch.randn(1, MODULATIONS * d)
    over_space, over_time = time.expand(sizes.latents, -1), time.expand(sizes.space, -1)

    def once() -> torch.Tensor:
        x = spatial(video, encoder_hidden_states=window, timestep=over_space)
        x = x.transpose(0, 1).contiguous()
        return temporal(x, timestep=over_time).transpose(0, 1).contiguous()

    return once


def _wan(sizes: Sizes) -> Pass:
    """All video tokens look at each other, and at all windows' points as at a text."""
    d, tokens = sizes.width, sizes.latents * sizes.space
    block = WanTransformerBlock(d, 4 * d, sizes.heads, cross_attn_norm=True)
    video, text = _video(sizes).reshape(1, tokens, d), _window(sizes).reshape(1, -1, d)
    time = torch.randn(1, MODULATIONS, d)
    rotary = torch.randn(1, tokens, 1, d // sizes.heads), torch.randn(1, tokens, 1, d // sizes.heads)
    return lambda: block(video, text, time, rotary)


def _video(sizes: Sizes) -> torch.Tensor:
    return torch.randn(sizes.latents, sizes.space, sizes.width)


def _window(sizes: Sizes) -> torch.Tensor:
    return torch.randn(sizes.latents, TEMPORAL_COMPRESSION * sizes.points, sizes.width)


@torch.inference_mode()
def operator_table(once: Pass) -> str:
    """Where the time of a pass goes, by kind of operator."""
    with torch.profiler.profile() as profiler:
        once()
    return profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=12)
