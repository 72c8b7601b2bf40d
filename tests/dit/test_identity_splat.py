"""Each latent pixel shows the identity of the nearest point in it, as one painter after the other would."""

from dataclasses import replace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from isa_engine.dit.identity_splat import latent_cells, splatted_identity
from isa_engine.geometry.frames import latent_of_frame
from tests.dit.small_models import inputs

# Operations by which a device makes its host wait.
_WAITS = {"_local_scalar_dense", "nonzero", "item", "masked_select", "unique"}


def painted(conditioning):
    """The same by hand: points from far to near, each over the ones before."""
    expected = torch.zeros_like(conditioning.background_latents)
    height, width = expected.shape[-2:]
    latent = latent_of_frame(conditioning.ndc.shape[1])
    for b, (ndc, visible, known) in enumerate(
        zip(conditioning.ndc, conditioning.visible, conditioning.identity_known, strict=True)
    ):
        order = ndc[..., 2].flatten().argsort(descending=True).tolist()
        for frame, point in (divmod(k, ndc.shape[1]) for k in order):
            x, y, _ = ndc[frame, point].tolist()
            column, row = int((x + 1) / 2 * width // 1), int((1 - y) / 2 * height // 1)
            if visible[frame, point] and known[point] and 0 <= column < width and 0 <= row < height:
                expected[b, :, latent[frame], row, column] = conditioning.identity[b, point]
    return expected


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), spread=st.floats(0.2, 2.0), seen=st.floats(0, 1))
def test_it_is_what_a_painter_would_leave_who_begins_with_the_farthest(seed, spread, seen):
    conditioning = scattered(seed, spread, seen)
    torch.testing.assert_close(splatted_identity(conditioning), painted(conditioning))


def scattered(seed, spread, seen):
    """Conditions whose points stand within and outside the picture, seen and known or not."""
    _, _, conditioning = inputs()
    random = torch.Generator().manual_seed(seed)
    ndc = (torch.rand(conditioning.ndc.shape, generator=random) * 2 - 1) * spread
    visible = torch.rand(conditioning.visible.shape, generator=random) < seen
    known = torch.rand(conditioning.identity_known.shape, generator=random) < 0.7
    return replace(conditioning, ndc=ndc, visible=visible, identity_known=known)


def test_where_nobody_is_known_it_is_empty():
    _, _, conditioning = inputs()
    assert not splatted_identity(conditioning.without_cast()).any()
    nobody = replace(
        conditioning,
        points=conditioning.points[:, :, :0],
        ndc=conditioning.ndc[:, :, :0],
        visible=conditioning.visible[:, :, :0],
        identity=conditioning.identity[:, :0],
        identity_known=conditioning.identity_known[:, :0],
        owners=conditioning.owners[..., :0],
    )
    assert splatted_identity(nobody).shape == conditioning.background_latents.shape
    assert not splatted_identity(nobody).any()


def test_a_point_beyond_the_edge_stands_in_no_cell():
    _, _, conditioning = inputs()
    ndc = conditioning.ndc.clone()
    ndc[:, :, 0, 0] = 1.001
    cell, within = latent_cells(replace(conditioning, ndc=ndc))
    assert not within[:, :, 0].any()
    assert within[:, :, 1:].all()
    assert cell.min() >= 0
    assert cell.max() < conditioning.background_latents[0, 0].numel()


class Operations(TorchDispatchMode):
    """Gathers the names of the operations that run."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


def test_no_device_waits_for_it_and_the_work_is_the_same_whoever_is_seen():
    runs = []
    for seed, seen in ((0, 1.0), (1, 0.0)):
        conditioning = scattered(seed, 1.0, seen)
        with Operations() as operations:
            splatted_identity(conditioning)
        runs.append(operations.names)
    assert runs[0] == runs[1]
    assert not _WAITS & set(runs[0])
