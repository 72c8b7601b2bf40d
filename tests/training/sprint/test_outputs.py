"""What a sprint leaves is small, whole, and makes a run."""

import json

import pytest
import torch

from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import load_weights, read_weights, weight_files
from isa_engine.training.sprint.outputs import (
    LARGEST,
    MOST,
    RAW,
    USED,
    Outputs,
    check,
    is_sprint,
    to_go_on_from,
    unpack,
)
from tests.training.micro import micro_networks


@pytest.fixture
def story(tmp_path):
    folder = tmp_path / "story"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"settings": {}}))
    (folder / "curves.jsonl").write_text(json.dumps({"step": 20, "loss": 1.0}) + "\n")
    return folder


def of_size(numbers: int) -> dict[str, torch.Tensor]:
    """A network's tensors, some large and many small."""
    return {f"dit.{k}.weight": torch.randn(1000, numbers // 16000) for k in range(16)}


@pytest.mark.parametrize(("millions", "bits"), [(17.2, 16), (30.5, 8)])
def test_weights_fit_into_the_files_that_can_be_carried(tmp_path, story, millions, bits):
    tensors = of_size(int(millions * 1e6))
    outputs = Outputs(tmp_path / "out", story)
    for _ in range(2):
        outputs.write({USED: tensors, RAW: tensors})
        outputs.wait()
        (tmp_path / "out" / "sheet.png").write_bytes(b"a sheet")
        check(tmp_path / "out")
    files = list((tmp_path / "out").iterdir())
    assert len(files) <= MOST
    assert sum(file.stat().st_size for file in files) < 64 * 2**20
    assert max(file.stat().st_size for file in files) <= LARGEST
    read = read_weights(tmp_path / "out" / USED)
    assert read["dit.3.weight"].dtype == (torch.float16 if bits == 16 else torch.float32)
    assert len(weight_files(tmp_path / "out" / RAW)) == 2


def test_what_came_back_makes_a_run_to_bundle_and_another_to_go_on_from(tmp_path, story):
    networks, averaged = micro_networks(), micro_networks()
    with torch.no_grad():
        for parameter in averaged.parameters():
            parameter.add_(1.0)
    outputs = Outputs(tmp_path / "out", story)
    assert not is_sprint(tmp_path / "out")
    outputs.write({USED: averaged.state_dict(), RAW: networks.state_dict()})
    outputs.wait()
    assert is_sprint(tmp_path / "out")
    assert to_go_on_from(tmp_path / "out") == RAW
    for weights, truth, worth in ((USED, averaged, 2e-3), (RAW, networks, 1e-2)):
        unpack(tmp_path / "out", tmp_path / weights, weights)
        read = micro_networks()
        for name, network in read.named_children():
            load_weights(network, tmp_path / weights / f"{name}.safetensors")
        for name, value in truth.state_dict().items():
            torch.testing.assert_close(read.state_dict()[name], value, atol=worth, rtol=0, msg=name)
        assert (tmp_path / weights / "run.json").exists()
    # Those to go on from are enough to take along.
    (tmp_path / "out" / USED).unlink()
    assert is_sprint(tmp_path / "out")
    assert to_go_on_from(tmp_path / "out") == RAW


def test_what_cannot_be_written_is_said_when_next_asked(tmp_path, story):
    outputs = Outputs(tmp_path / "out", story)
    outputs.write({USED: {"dit.weight": torch.tensor([torch.nan])}})
    with pytest.raises(ModelError, match=r"dit\.weight"):
        outputs.wait()
    outputs.write({USED: {"dit.weight": torch.ones(1)}})
    outputs.wait()
    assert to_go_on_from(outputs.folder) == USED


def test_too_many_or_too_large_files_are_told(tmp_path):
    for k in range(MOST + 1):
        (tmp_path / str(k)).write_text("")
    with pytest.raises(ModelError, match=f"{MOST + 1} files"):
        check(tmp_path)
