"""The command of a sprint: what it does when all else has failed, and what it leaves."""

import tempfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from isa_engine.training.sprint import __main__ as command
from isa_engine.training.sprint import transformer
from tests.training.sprint.toy import write_recipe


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """Runs a sprint that the device fails; returns what the process becomes, if anything."""

    def run(*arguments: str, environment=command.FEW_THREADS) -> list[str]:
        became = []

        class Failing:
            def __init__(self, *_):
                pass

            def __call__(self):
                raise RuntimeError("CUDA error: an illegal memory access was encountered")

        def become(program, words):
            became.extend(words)
            raise SystemExit(0)

        monkeypatch.setattr(transformer, "TransformerSprint", Failing)
        monkeypatch.setattr(command.os, "execv", become)
        monkeypatch.setattr(command.sys, "setswitchinterval", lambda seconds: None)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        recipe = write_recipe(tmp_path)
        words = ["train", "dit", "--config", str(recipe), "--out", str(tmp_path / "out"), *arguments]
        with pytest.raises((SystemExit, RuntimeError)):
            command.main(words)
        return became

    return run


def test_a_place_that_cannot_be_written_costs_no_lent_minute(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr(command.sys, "setswitchinterval", lambda seconds: None)
    for words in (["train", "dit", "--minutes", "9"], ["probe"]):
        given = ["--config", "nowhere.toml", "--out", str(tmp_path / "file"), "--device", "cpu"]
        assert command.main([*words, *given]) == 1
        assert capsys.readouterr().err.startswith("cannot write: ")


def test_another_process_goes_on_from_the_last_minute_for_the_time_that_is_left(failing, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "weights.safetensors").write_bytes(b"")
    became = failing("--minutes", "9")
    given = dict(zip(became[5:-1:2], became[6:-1:2], strict=True))
    assert became[1:5] == ["-m", "isa_engine.training.sprint", "train", "dit"]
    assert given["--start"] == given["--out"] == str(tmp_path / "out")
    assert 8 < float(given["--minutes"]) <= 9
    assert became[-1] == "--eager"


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder in which this process makes temporary ones."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("ends", ["well", "by an error", "as another process"])
def test_nothing_is_left_where_temporary_folders_are(temporary, tmp_path, monkeypatch, ends):
    left = tmp_path / "left"
    write_recipe(tmp_path)
    left.mkdir()
    save_file({"dit.weight": torch.zeros(2)}, left / "weights.safetensors")
    for name in ("run.json", "curves.jsonl"):
        (left / name).write_text("{}")
    seen = []

    class Told:
        def __init__(self, settings, out, story, *_):
            seen.append(sorted(file.name for file in Path(settings.start).iterdir()))
            story.mkdir()
            (story / "curves.jsonl").write_text("{}")
            seen.append(list(temporary.iterdir()))

        def __call__(self):
            if ends != "well":
                raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def become(program, words):
        seen.append(list(temporary.iterdir()))
        raise SystemExit(0)

    monkeypatch.setattr(transformer, "TransformerSprint", Told)
    monkeypatch.setattr(command.os, "execv", become)
    words = ["train", "dit", "--config", str(tmp_path / "recipe.toml"), "--out", str(tmp_path / "out")]
    words += ["--minutes", "9", "--device", "cpu", "--start", str(left)]
    if ends == "well":
        assert command.main(words) == 0
    elif ends == "by an error":
        with pytest.raises(RuntimeError):
            command.main([*words, "--eager"])
    else:
        with pytest.raises(SystemExit):
            command.main(words)
        assert seen.pop() == [], "before it becomes another"
    assert seen[0] == ["curves.jsonl", "dit.safetensors", "run.json"]
    assert len(seen[1]) == 1
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--minutes", "9", "--eager"], ["--minutes", "1"]])
def test_it_does_not_try_for_ever(failing, arguments):
    assert failing(*arguments) == []


def test_on_a_gpu_it_becomes_a_process_whose_operations_have_one_thread(failing, monkeypatch):
    for name in command.FEW_THREADS:
        monkeypatch.delenv(name, raising=False)
    # Restored afterwards, whatever the command sets.
    monkeypatch.setattr(command.os, "environ", dict(command.os.environ))
    became = failing("--minutes", "9", environment={})
    assert became[1:5] == ["-m", "isa_engine.training.sprint", "train", "dit"]
    assert became[-2:] == ["--minutes", "9"]
    assert command.os.environ["OMP_NUM_THREADS"] == "1"


def test_what_is_not_installed_is_named_at_once(capsys, monkeypatch):
    monkeypatch.setitem(command._NEEDED, "no_such_module", "no-such-package")
    assert command.main(["unpack", "nowhere", "run"]) == 1
    assert "not installed: no-such-package" in capsys.readouterr().err
