"""``isa-engine``: the same engine without Blender."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from isa_engine import cli, commands
from isa_engine.configuration import MODELS, weights_folder
from isa_engine.configuration.policies import PRESETS
from isa_engine.models import KINDS, describe
from isa_engine.models.model_cost import model_cost
from isa_engine.pipeline import generate
from isa_engine.pipeline.painter import parameters
from isa_engine.shot import read_shot, write_shot
from tests.pipeline import discs
from tests.pipeline.shots import MICRO, footage, make_shot, picture


@pytest.fixture
def shot(tmp_path, monkeypatch) -> Path:
    """A shot file, and the model it names."""
    monkeypatch.setitem(MODELS, "micro", lambda: MICRO)
    write_shot(make_shot(seed=3), tmp_path / "shot.npz")
    return tmp_path / "shot.npz"


def test_help_is_plain_text(capsys):
    for command in ((), *((name,) for name in cli.COMMANDS)):
        with pytest.raises(SystemExit):
            cli.main([*command, "--help"])
        assert "`" not in capsys.readouterr().out


def test_every_file_of_the_commands_folder_is_a_command():
    files = {file.stem for file in Path(commands.__file__).parent.glob("*.py")} - {"__init__"}
    assert sorted(cli.COMMANDS) == sorted(files)


def test_generate_makes_the_same_plate_as_the_engine_and_tells_its_steps(
    shot, model, silent, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("isa_engine.pipeline.load_model", lambda name, device, compiled: model)
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "cli")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"encode 1/1", "denoise 0/2", "denoise 1/2", "denoise 2/2", "write 6/6"} <= set(lines)
    assert "note: untrained: the picture shows nobody until weights are trained" in lines
    direct = generate(make_shot(seed=3), model, tmp_path / "direct", silent)
    assert (tmp_path / "cli" / "plate.mp4").read_bytes() == direct.plate.read_bytes()


def test_generate_takes_settings_over_the_shots(shot, tmp_path):
    options = ["--seed", "7", "--steps", "1", "--guidance", "1", "--policy", "sparing", "--device", "cpu"]
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out"), *options]) == 0
    settings = json.loads((tmp_path / "out" / "record.json").read_text())["settings"]
    assert (settings["seed"], settings["steps"], settings["guidance"]) == (7, 1, 1.0)
    assert settings["policy"] == "sparing"


@pytest.mark.parametrize(
    ("said", "turns"),
    [
        ({}, "3000"),
        # Who knows better is not overruled.
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, None),
    ],
)
def test_threads_that_wait_for_each_other_soon_let_others_have_their_processor(monkeypatch, said, turns):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, said.get(name, ""))
        if name not in said:
            monkeypatch.delenv(name)
    assert cli.main(["model", "list"]) == 0
    # As the processes have it that a command starts.
    assert os.environ.get("GOMP_SPINCOUNT") == turns


class Loaded(Exception):
    """Nothing after that matters."""


@pytest.mark.parametrize(
    ("canvas", "before", "model", "note"),
    [
        ((400, 224), "isa-tiny", "isa-small", "400 × 224; 'isa-small' is made for 256 pixels along"),
        ((448, 256), "isa-small", "isa-tiny", "448 × 256; 'isa-tiny' is made for 128 pixels along"),
        # It paints that with Detail 2; and who names no other model is told nothing.
        ((400, 224), "isa-small", "isa-tiny", ""),
        ((400, 224), "isa-small", "isa-tiny-near", ""),
        ((448, 256), "isa-tiny", "isa-tiny", ""),
        ((448, 256), "isa-tiny", "", ""),
    ],
)
def test_another_model_keeps_the_shots_canvas_and_it_is_told_where_it_is_made_for_another(
    shot, tmp_path, monkeypatch, capsys, canvas, before, model, note
):
    def load(name: str, *_) -> None:
        assert name == (model or before)
        raise Loaded

    made = make_shot(model=before)
    settings = dataclasses.replace(made.settings, width=canvas[0], height=canvas[1])
    write_shot(dataclasses.replace(made, settings=settings), shot)
    monkeypatch.setattr("isa_engine.pipeline.load_model", load)
    with pytest.raises(Loaded):
        cli.main(["generate", str(shot), "--out", str(tmp_path), *(["--model", model] if model else [])])
    said = capsys.readouterr().out
    assert note in said
    assert ("note: the canvas stays the shot's" in said) == bool(note)


def test_one_by_one_is_refused_of_a_model_that_cannot(shot, tmp_path, capsys):
    write_shot(make_shot(model="isa-tiny"), shot)
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out"), "--one-by-one"]) == 1
    assert "'isa-tiny' cannot paint people one after the other" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_larger_plate_is_wished_of_a_model_that_lays_it_over_its_background(
    shot, tmp_path, monkeypatch, capsys
):
    options = ["--plate-scale", "2", "--device", "cpu"]
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "none"), *options]) == 1
    assert "without a background a plate has the pixels of its canvas" in capsys.readouterr().err
    made = make_shot()
    write_shot(dataclasses.replace(made, background=footage(made.frames)), shot)
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out"), *options]) == 0
    settings = json.loads((tmp_path / "out" / "record.json").read_text())["settings"]
    assert settings["plate_scale"] == 2

    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    settings = dataclasses.replace(make_shot().settings, model=discs.NAME, width=96, height=64)
    write_shot(dataclasses.replace(make_shot(), settings=settings), shot)
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "refused"), *options]) == 1
    assert "has the pixels of its canvas. Leave out --plate-scale" in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize("option", ["--prompt", "--negative-prompt"])
def test_words_are_refused_of_a_model_that_reads_none_and_reach_one_that_does(
    shot, tmp_path, monkeypatch, capsys, option
):
    command = ["generate", str(shot), option, "rain"]
    assert cli.main([*command, "--out", str(tmp_path / "refused")]) == 1
    assert f"'micro' reads no words. Leave out {option}, or" in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()

    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    settings = dataclasses.replace(make_shot().settings, model=discs.NAME, width=96, height=64)
    write_shot(dataclasses.replace(make_shot(), settings=settings), shot)
    assert cli.main([*command, "--out", str(tmp_path / "out")]) == 0
    said = json.loads((tmp_path / "out" / "record.json").read_text())["settings"]
    assert said[option.removeprefix("--").replace("-", "_")] == "rain"


@pytest.mark.parametrize(("option", "control"), [("--steering", "depth"), ("--painted", "boxes")])
def test_what_cannot_steer_a_model_is_refused(shot, tmp_path, capsys, option, control):
    write_shot(make_shot(model="isa-tiny"), shot)
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out"), option, control]) == 1
    said = capsys.readouterr().err
    assert f"'isa-tiny' cannot be steered by '{control}'" in said
    assert f"Leave out {option}" in said
    assert not (tmp_path / "out").exists()


def test_a_preset_is_steps_and_policy_and_other_wishes_go_before_it(shot, tmp_path):
    options = ["--preset", "Draft", "--steps", "1", "--guidance", "1", "--device", "cpu"]
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out"), *options]) == 0
    settings = json.loads((tmp_path / "out" / "record.json").read_text())["settings"]
    assert (settings["steps"], settings["policy"]) == (1, PRESETS["Draft"].policy)
    assert settings["policy"] != make_shot().settings.policy


def test_a_part_of_a_shot_is_generated_and_its_record_says_which(shot, tmp_path):
    options = ["--frames", "12-13", "--device", "cpu"]
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out"), *options]) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert record["shot"]["frame_numbers"] == [12, 13]
    assert read_shot(tmp_path / "out" / "shot.npz").frames == 2


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def missing(path: Path) -> None:
    path.unlink()


def foreign(path: Path) -> None:
    path.write_bytes(picture())


def damaged_reference(path: Path) -> None:
    write_shot(dataclasses.replace(make_shot(), references=(picture(), picture()[:60])), path)


def unknown_model(path: Path) -> None:
    write_shot(make_shot(model="isa-huge"), path)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (truncated, "not a whole shot"),
        (missing, "cannot read the shot"),
        (foreign, "not a whole shot"),
        (damaged_reference, "the picture is damaged (reference picture of 'Ball 1')"),
        (unknown_model, "there is no model 'isa-huge'"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(shot, tmp_path, capsys, damage, sentence):
    damage(shot)
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("out/*"))


def test_footage_that_is_too_short_is_refused_before_a_model_is_loaded(shot, tmp_path, monkeypatch, capsys):
    loaded = []
    monkeypatch.setattr("isa_engine.pipeline.load_model", lambda *model: loaded.append(model))
    write_shot(dataclasses.replace(make_shot(), background=footage(4)), shot)
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out")]) == 1
    problem = f"the video has 4 frames and the shot 5 ({shot}, field 'background'). Use longer footage"
    assert problem in capsys.readouterr().err
    assert loaded == []


@pytest.mark.parametrize(
    "option",
    [["--steps", "0"], ["--steps", "-1"], ["--guidance", "nan"], ["--guidance", "-1"], ["--seed", "-1"]],
)
def test_an_impossible_wish_is_one_line_and_an_exit_code_before_a_model_is_loaded(
    shot, tmp_path, monkeypatch, capsys, option
):
    loaded = []
    monkeypatch.setattr("isa_engine.pipeline.load_model", lambda *model: loaded.append(model))
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out"), *option]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert loaded == []


def test_an_impossible_device_is_one_line_and_an_exit_code(shot, tmp_path, capsys):
    assert cli.main(["generate", str(shot), "--out", str(tmp_path / "out"), "--device", "abacus"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("device", ["abacus", "", "meta", "cuda:x", "hpu"])
@pytest.mark.parametrize(
    "command",
    [
        "generate SHOT --out OUT",
        "synthesize --out OUT --clips 1",
        "bench model",
        "train vae --config C --out OUT",
    ],
)
def test_a_device_that_is_not_there_is_named_and_nothing_is_begun(shot, tmp_path, capsys, command, device):
    places = {"SHOT": str(shot), "OUT": str(tmp_path / "out")}
    words = [places.get(word, word) for word in command.split()]
    assert cli.main([*words, "--device", device]) == 1
    said = capsys.readouterr().err
    known = "cpu, cuda or auto." if torch.cuda.is_available() else "cpu or auto: PyTorch finds no GPU here."
    assert f"there is no device '{device}'. Use {known}" in said
    assert not (tmp_path / "out").exists()


def test_model_list_names_them_all(capsys):
    assert cli.main(["model", "list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(MODELS)


def test_a_model_without_weights_says_so(capsys):
    assert cli.main(["model", "list"]) == 0
    untrained = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "untrained" in line]
    assert untrained == [name for name in MODELS if weights_folder(name) is None]
    assert "isa-4b" in untrained
    assert cli.main(["model", "show", "isa-4b", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trained"] is False


def test_isa_small_fits_beside_the_code_in_8_bits():
    cost = model_cost(describe("isa-small"), parameters("isa-small"), 33, 256, 256, 1)
    assert 28e6 < cost["parameters"]["dit"]["total"] < 32e6
    assert cost["bytes"]["8 bits"] < 42e6


def test_model_show_counts_the_parameters_there_are(shot, model, capsys):
    assert cli.main(["model", "show", "micro", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["parameters"]
    for part, network in model.parts.items():
        assert found[part]["total"] == sum(parameter.numel() for parameter in network.parameters())
    for counts in found.values():
        assert counts["total"] == sum(n for part, n in counts.items() if part != "total")


def test_model_show_grows_with_what_it_is_asked_about():
    tiny = describe("isa-tiny"), parameters("isa-tiny")
    small, long = model_cost(*tiny, 5, 128, 128, 1), model_cost(*tiny, 33, 128, 128, 1)
    crowd, large = model_cost(*tiny, 5, 128, 128, 3), model_cost(*tiny, 5, 400, 224, 1)
    assert (small["tiles"], large["tiles"]) == (1, 8)
    assert large["tokens"] == {name: 8 * count for name, count in small["tokens"].items()}
    assert small["step_operations"]["total"] < crowd["step_operations"]["total"]
    assert small["tokens"]["video"] < long["tokens"]["video"]
    assert crowd["tokens"]["points"] == 3 * small["tokens"]["points"]


def test_model_show_knows_the_ablations_of_a_model(capsys):
    assert cli.main(["model", "show", "isa-tiny-controlnet-2d", "--json"]) == 0
    in_2d = json.loads(capsys.readouterr().out)
    assert in_2d["tokens"]["points"] == 0
    assert "control" in in_2d["parameters"]["dit"]
    assert in_2d["step_operations"].keys() & {"isa", "point_temporal", "control"} == {"control"}
    assert cli.main(["model", "show", "isa-tiny-without-ispe"]) == 0


@pytest.mark.parametrize("option", [("--frames", "0"), ("--frames", "1000000000"), ("--characters", "-1")])
def test_model_show_refuses_at_once_what_no_shot_can_be(option, capsys):
    assert cli.main(["model", "show", "isa-tiny", *option]) == 1
    assert "Ask for 1 to 4096 frames of up to 64 characters" in capsys.readouterr().err


def test_model_show_refuses_what_does_not_exist(capsys):
    assert cli.main(["model", "show", "isa-huge"]) == 1
    assert cli.main(["model", "show", "isa-tiny", "--size", "100x100"]) == 1
    assert cli.main(["model", "show", "isa-tiny", "--frames", "0"]) == 1
    assert capsys.readouterr().err.count("\n") == 3


def test_a_reader_that_has_seen_enough_ends_no_command_in_a_traceback():
    command = [sys.executable, "-m", "isa_engine.cli", "model", "show", "isa-tiny"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
