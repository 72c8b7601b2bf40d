"""Points that are kept: of so many latents in memory, all others on the disk, and the same everywhere."""

import os
import tempfile
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.dit import kept_points
from isa_engine.dit.kept_points import KeptPoints, OnDisk
from isa_engine.geometry.frames import frames_before
from tests.dit.small_models import inputs, transformer


@settings(deadline=None, max_examples=20)
@given(
    pieces=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
    in_memory=st.integers(0, 4),
)
def test_what_is_kept_comes_back_bit_for_bit_in_its_order(pieces, dtype, in_memory):
    layers, kept = 2, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_points, "LATENTS_IN_MEMORY", in_memory)
        filled = KeptPoints(kept, layers)
        # As a network transposes them, too.
        tokens = [torch.randn(2, 5, n, 3).to(dtype).transpose(1, 2) for n in pieces for _ in range(layers)]
        for each in tokens:
            filled.keep(each)
    read = KeptPoints(kept, layers)
    assert not read.moves
    assert all(torch.equal(read.stored(), each) for each in tokens)
    there = sum(each.shape[1] for each in kept if isinstance(each, torch.Tensor))
    assert there <= layers * frames_before(in_memory)


def test_a_long_take_whose_points_lie_on_the_disk_is_the_same_bit_for_bit(monkeypatch):
    model = transformer(temporal_window=3, temporal_stride=2, temporal_anchor=1)
    told, in_memory, on_disk = inputs(latents=9), [], []
    with torch.inference_mode():
        model.predict(*told, in_memory)
        monkeypatch.setattr(kept_points, "LATENTS_IN_MEMORY", 2)
        model.predict(*told, on_disk)
        latents, time, conditioning = told
        later = latents + 0.1, time - 0.1, conditioning
        assert torch.equal(model.predict(*later, on_disk)[0], model.predict(*later, in_memory)[0])
    kinds = [isinstance(each, OnDisk) for each in on_disk]
    assert kinds == sorted(kinds)
    assert True in kinds
    assert not any(isinstance(each, OnDisk) for each in in_memory)


def test_the_file_has_no_name_and_goes_with_its_points(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(kept_points, "LATENTS_IN_MEMORY", 0)
    kept = []
    KeptPoints(kept, 1).keep(torch.zeros(1, 4, 2, 3))
    file = weakref.ref(kept[0].file)
    assert list(tmp_path.iterdir()) == []
    assert os.fstat(file().fileno()).st_size == 4 * 2 * 3 * 4
    kept.clear()
    assert file() is None
