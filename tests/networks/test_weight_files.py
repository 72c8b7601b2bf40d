"""Weights come back from parts and from few bits, and never half."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import read_weights, weight_files, write_weights

LARGEST = 3000

shapes = st.lists(st.integers(1, 7), min_size=1, max_size=3).map(tuple)
networks = st.dictionaries(st.from_regex(r"[a-z]{1,8}(\.[0-9]{1,2})?\.(weight|bias)", fullmatch=True), shapes)


def filled(network: dict[str, tuple[int, ...]], size: float) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: size * torch.randn(shape, generator=generator) for name, shape in network.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@settings(deadline=None, max_examples=60)
@given(network=networks, bits=st.sampled_from([8, 16, 32]), size=st.sampled_from([1e-6, 1e-3, 1.0, 90.0]))
def test_every_file_is_under_the_limit_and_every_tensor_comes_back_within_its_bits(
    folder, network, bits, size
):
    tensors = filled(network, size)
    head = folder / "dit.safetensors"
    write_weights(tensors, head, bits, LARGEST)
    files = weight_files(head)
    assert sorted(files) == sorted(folder.iterdir())
    assert max(file.stat().st_size for file in files) <= LARGEST
    read = read_weights(head)
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].shape == tensor.shape
        if bits == 32:
            bound = torch.zeros(())
        elif bits == 8 and tensor.ndim > 1:
            bound = tensor.flatten(1).abs().amax(1) / 127 / 2 * 1.001
            bound = bound.view(-1, *[1] * (tensor.ndim - 1))
        else:
            # Half a step of float16, and of its smallest numbers.
            bound = tensor.abs() * 2**-11 + 2**-25
        assert ((read[name].float() - tensor).abs() <= bound).all(), name


def test_a_second_writing_of_eight_bits_changes_nothing(tmp_path):
    write_weights(filled({"a.weight": (40, 30), "a.bias": (40,)}, 1.0), tmp_path / "once.safetensors", 8)
    once = read_weights(tmp_path / "once.safetensors")
    write_weights(once, tmp_path / "twice.safetensors", 8)
    twice = read_weights(tmp_path / "twice.safetensors")
    torch.testing.assert_close(twice["a.weight"], once["a.weight"], rtol=1e-6, atol=0)
    assert torch.equal(twice["a.bias"], once["a.bias"])


def test_integers_and_rows_of_zeros_stay_exact_in_eight_bits(tmp_path):
    tensors = {"count": torch.tensor(7), "weight": torch.tensor([[0.0, 0.0], [1.0, -1.0]])}
    write_weights(tensors, tmp_path / "dit.safetensors", 8)
    read = read_weights(tmp_path / "dit.safetensors")
    assert all(torch.equal(read[name], value) for name, value in tensors.items())


@pytest.fixture
def parts(tmp_path):
    """Weights in several files."""
    tensors = filled({f"{k}.weight": (20, 20) for k in range(6)}, 1.0)
    write_weights(tensors, tmp_path / "dit.safetensors", 32, LARGEST)
    assert len(weight_files(tmp_path / "dit.safetensors")) == 6
    return tmp_path / "dit.safetensors", tensors


def test_a_missing_part_is_named(parts):
    head, _ = parts
    lost = weight_files(head)[3]
    lost.unlink()
    with pytest.raises(ModelError, match=rf"^'{lost.name}'.*missing \(.*dit\.safetensors\)\. Copy it"):
        read_weights(head)


def test_weights_written_anew_leave_no_part_of_the_old(parts):
    head, _ = parts
    (head.parent / "dit-notes.safetensors").write_text("another's")
    write_weights({"weight": torch.ones(2)}, head)
    assert {file.name for file in head.parent.iterdir()} == {"dit.safetensors", "dit-notes.safetensors"}
    assert read_weights(head).keys() == {"weight"}


def test_a_tensor_larger_than_a_file_may_be_is_named_and_replaces_nothing(parts):
    head, old = parts
    with pytest.raises(ModelError, match="'large' alone takes more than the 3000 bytes"):
        write_weights({"large": torch.zeros(800)}, head, 32, LARGEST)
    assert read_weights(head).keys() == old.keys()


@pytest.mark.parametrize("written", range(6))
def test_a_writer_killed_between_any_two_files_leaves_the_old_weights_whole(parts, monkeypatch, written):
    head, old = parts
    count = 0

    def killed(path, content):
        nonlocal count
        if count == written:
            raise KeyboardInterrupt
        count += 1
        path.write_bytes(content)

    monkeypatch.setattr("isa_engine.networks.weight_files._replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_weights({name: value + 1 for name, value in old.items()}, head, 32, LARGEST)
    read = read_weights(head)
    assert all(torch.equal(read[name], value) for name, value in old.items())


@pytest.mark.parametrize(("value", "bits"), [(float("nan"), 32), (float("inf"), 8), (1e6, 16)])
def test_what_is_not_finite_is_named_and_replaces_nothing(parts, value, bits):
    head, old = parts
    with pytest.raises(ModelError, match=f"'bad' is not finite in {bits} bits"):
        write_weights({"bad": torch.tensor([value, 1.0])}, head, bits)
    assert all(torch.equal(read_weights(head)[name], value) for name, value in old.items())


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "vae-0123456789ab.safetensors"])
def test_a_header_that_leads_elsewhere_is_refused(tmp_path, name):
    save_file({"weight": torch.ones(2)}, tmp_path / "dit.safetensors", {"rest": name})
    with pytest.raises(ModelError, match=re.escape(name)):
        read_weights(tmp_path / "dit.safetensors")


def test_scales_without_their_matrix_are_named(tmp_path):
    path = tmp_path / "dit.safetensors"
    write_weights({"weight": torch.ones(3, 2)}, path, 8)
    tensors = load_file(path)
    del tensors["weight"]
    save_file(tensors, path)
    with pytest.raises(ModelError, match="'weight@scale' fits no matrix"):
        read_weights(path)
