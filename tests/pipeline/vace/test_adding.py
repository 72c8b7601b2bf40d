"""A folder of open weights is looked through before it is used; what is not fit is said in a sentence."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from isa_engine import cli
from isa_engine.errors import ModelError
from isa_engine.models import KINDS, describe, names
from isa_engine.models.added import added as remembered
from isa_engine.models.refusal import check
from isa_engine.pipeline import load_model
from tests.pipeline.shots import make_shot


def add(folder, *options) -> int:
    return cli.main(["model", "add", str(folder), *options])


def test_the_licence_is_shown_and_nothing_is_added_until_it_is_accepted(published, capsys):
    assert add(published) == 1
    shown = capsys.readouterr()
    assert "licence: apache-2.0 (README.md)" in shown.out
    assert "--accept-licence" in shown.err
    assert "tiny-vace" not in names()
    assert add(published, "--accept-licence") == 0
    assert names()[0] == "isa-tiny"
    assert names()[-1] == "tiny-vace"
    assert cli.main(["model", "list"]) == 0
    assert "tiny-vace" in capsys.readouterr().out
    model = describe("tiny-vace")
    assert (model.kind, model.multiple, model.max_frames, model.points) == ("vace", 16, 81, 0)
    assert (model.state, model.licence) == ("here", "apache-2.0 (README.md)")
    assert all(len(file.sha256) == 64 for file in remembered("tiny-vace").files.values())


def test_another_machine_knows_the_model_by_what_it_is_told(published, capsys):
    assert add(published, "--accept-licence") == 0
    model, kind = describe("tiny-vace"), KINDS["vace"]
    facts = json.loads(json.dumps(model.facts()))
    assert str(published) not in json.dumps(facts)
    assert kind.told("tiny-vace", facts) == model
    nonsense = (
        {"state": "untrained"},
        {"fp8": 1},
        {"cached": 0.1},
        {"parameters": {}},
        {"licence": None},
        {"shape": {}},
        {"presets": {}},
        {"presets": {**facts["presets"], "Draft": {"steps": 0, "guidance": 1.0}}},
        {"more": 1},
    )
    nonsense = (*nonsense, {"parameters": {**facts["parameters"], "vae": -1}})
    shapes = {"width": 0}, {"layers": "3"}, {"patch": [1, 2]}, {"side": True}
    for wrong in (*nonsense, *({"shape": {**facts["shape"], **shape}} for shape in shapes)):
        with pytest.raises(ModelError, match="'tiny-vace' makes no sense"):
            kind.told("tiny-vace", {**facts, **wrong})


def test_a_name_that_is_taken_or_a_path_is_refused(published, capsys):
    for name in ("isa-tiny", "isa-tiny-controlnet-2d", "../tiny", ""):
        assert add(published, "--accept-licence", f"--name={name or ' '}") == 1
        assert "cannot be called" in capsys.readouterr().err


@pytest.fixture
def copy(published, tmp_path):
    return shutil.copytree(published, tmp_path / "copy")


def other_pipeline(folder):
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')


def other_class(folder):
    path = folder / "vae" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "_class_name": "AutoencoderKL"}))


def without_licence(folder):
    (folder / "README.md").write_text("# Tiny\n")


def pickled(folder):
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    path.rename(path.with_suffix(".bin"))


def _changed(folder, change):
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def missing_tensor(folder):
    _changed(folder, lambda tensors: tensors.pop("proj_out.weight"))


def surplus_tensor(folder):
    _changed(folder, lambda tensors: tensors.update(extra=torch.zeros(1)))


def misshapen_tensor(folder):
    _changed(folder, lambda tensors: tensors.update({"proj_out.bias": torch.zeros(3)}))


def truncated(folder):
    path = folder / "text_encoder" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (other_pipeline, ["model_index.json", "'StableDiffusionPipeline'", "WanVACEPipeline"]),
        (other_class, ["vae", "'AutoencoderKL'", "AutoencoderKLWan"]),
        (without_licence, ["no licence"]),
        (pickled, ["vae", "pickled", ".bin", "safetensors"]),
        (missing_tensor, ["transformer", "'proj_out.weight' is missing"]),
        (surplus_tensor, ["transformer", "'extra' belongs to no part"]),
        (misshapen_tensor, ["transformer", "'proj_out.bias' is (3,) where (64,) is needed"]),
        (truncated, ["text_encoder", "cannot read the weights"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_does_not_fit_is_one_sentence_and_is_not_added(copy, capsys, spoil, words):
    spoil(copy)
    assert add(copy, "--accept-licence") == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    for word in words:
        assert word in sentence
    assert "copy" not in names()


def test_a_folder_that_changed_since_is_not_here(copy, capsys):
    assert add(copy, "--accept-licence") == 0
    (copy / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    assert describe("copy").state == "missing"
    with pytest.raises(ModelError, match="files of the model 'copy' are missing"):
        check(describe("copy"), make_shot(4))
    with pytest.raises(ModelError, match="gone or have changed"):
        load_model("copy", "cpu")
