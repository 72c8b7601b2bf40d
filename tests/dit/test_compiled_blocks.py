"""Compiled blocks: compiling takes a good part of a minute a graph, so a run's shapes must need few."""

import pytest
import torch

from isa_engine.configuration import MODULATIONS, NEW_BRANCHES
from isa_engine.dit.isa_block import ISABlock, LayerInputs
from isa_engine.networks.compiling import compile_blocks, run_eagerly
from tests.dit.small_models import inputs, transformer

D = 16


def tokens(clips: int, frames: int, side: int, points: int) -> tuple[torch.Tensor, torch.Tensor, LayerInputs]:
    """Of a training step, which follows gradients to all that the layers before have made."""
    latents, space = (frames + 3) // 4, side**2

    def given(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device="meta")

    def learned(*shape: int) -> torch.Tensor:
        return given(*shape).requires_grad_() * 1

    inputs = LayerInputs(
        time=learned(clips, D),
        shared_modulation=learned(clips, NEW_BRANCHES["isa"] * MODULATIONS, D),
        latent_clock=given(latents, D),
        frame_clock=given(frames, D),
        ispe=(given(space, D), given(clips, frames, points, D)),
        visible=given(clips, frames, points, dtype=torch.bool),
        cameras=learned(clips, latents, space, D),
        image=learned(clips, 1, 17, D),
        image_known=given(clips, 1, 17, dtype=torch.bool),
    )
    return learned(clips, latents, space, D), learned(clips, frames, points, D), inputs


def test_clips_of_any_length_canvas_and_cast_share_a_graph_and_single_frames_another():
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    blocks = [ISABlock(D, heads=2, qk_norm=False, conditioning="isa", last=False) for _ in range(2)]
    for block in blocks:
        # A break in the graph is an error.
        block.to("meta").compile(backend=backend, fullgraph=True, dynamic=True)

    def forward(clips: int, frames: int, side: int, points: int) -> None:
        video, body, inputs = tokens(clips, frames, side, points)
        for block in blocks:
            video, body, _ = block(video, body, inputs)

    for clips, frames, side, points in ((42, 9, 16, 128), (25, 17, 12, 512), (14, 33, 28, 64)):
        forward(clips, frames, side, points)
    assert len(graphs) == 1
    for side, points in ((16, 512), (28, 64)):
        forward(128, 1, side, points)
    torch._dynamo.reset()
    assert len(graphs) == 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("windows", "most"),
    [({}, 6), ({"temporal_window": 2, "temporal_stride": 1, "temporal_anchor": 1}, 32)],
)
def test_takes_of_any_length_under_any_policy_need_few_graphs_and_none_breaks(monkeypatch, windows, most):
    """Of inner layers and of the last: with the cast, with its points as they were kept, and with nobody."""
    graphs, compiled = [], torch.nn.Module.compile

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self, **how: compiled(self, backend=backend, fullgraph=True, **how)
    )
    torch._dynamo.reset()
    eager, model = transformer(**windows), transformer(**windows)
    compile_blocks(model.transformer_blocks)
    with torch.inference_mode():
        for latents in (4, 7):
            x, time, told = inputs(batch=1, latents=latents)
            nobody = told.nobody
            points: list[list] = [[], []]
            for conditions, kept in ((told, None), (told, points), (told, points), (nobody, None)):
                given = [
                    each.predict(x, time, conditions, kept and kept[number])[0]
                    for number, each in enumerate((model, eager))
                ]
                torch.testing.assert_close(*given, atol=1e-5, rtol=1e-5)
            if latents == 4:
                found = len(graphs)
    assert found <= most
    assert len(graphs) == found
    run_eagerly(model.transformer_blocks)
    assert all(module._compiled_call_impl is None for module in model.modules())
