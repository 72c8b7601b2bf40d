"""``isa-engine evaluate``, from options to files."""

import pytest

from isa_engine import configuration
from isa_engine.cli import main
from isa_engine.configuration.policies import PRESETS
from isa_engine.evaluation.reporting.table import read
from isa_engine.models.isa import ISA
from isa_engine.shot import canvas_size
from tests.pipeline.shots import MICRO

SHORT = ["--model", "micro", "--clips", "1", "--frames", "9", "--size", "64x48", "--steps", "1"]


@pytest.fixture(autouse=True)
def micro(monkeypatch):
    monkeypatch.setitem(configuration.MODELS, "micro", lambda: MICRO)


def evaluate(part, out, *options):
    return main(["evaluate", part, "--out", str(out), "--device", "cpu", *SHORT, *map(str, options)])


@pytest.mark.parametrize("part", ["vae", "detection"])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_measured(part, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["evaluate", part, "--out", str(tmp_path / "file")]) == 1
    assert f"is a file ({tmp_path / 'file'}). Choose a folder" in capsys.readouterr().err


def test_vae_leaves_both_tables_a_plot_and_a_sheet(tmp_path):
    assert evaluate("vae", tmp_path) == 0
    (tokenizer, latents), settings = read(tmp_path / "vae.json")
    assert tokenizer.cell("micro", "FVD ↓") == "not measured (without --i3d)"
    (blurred,) = tokenizer.cell("the render at half resolution", "sharpness ↑")
    assert 0 < blurred < tokenizer.cell("the render itself", "sharpness ↑") == 1
    assert latents.cell("a standard Gaussian", "deviation") == 1
    assert settings["weights"] == "random"
    assert {"vae.md", "latents.png", "vae.png"} <= {path.name for path in tmp_path.iterdir()}


def test_clips_may_be_of_the_canvas_that_a_preset_with_more_detail_has(tmp_path, capsys):
    sized = SHORT[: SHORT.index("--size")] + SHORT[SHORT.index("--size") + 2 :]
    options = ["--out", str(tmp_path), "--device", "cpu", *sized, "--detail", str(PRESETS["Final"].detail)]
    assert main(["evaluate", "vae", *options]) == 0
    side = canvas_size(1, 1, MICRO.short_side, MICRO.multiple, 2)[0]
    rows = side // MICRO.vae.spatial_compression
    told = f"{side}x{side} in {MICRO.tile_count(rows, rows)[0]} tiles"
    assert f"clips of {told}" in capsys.readouterr().out
    assert read(tmp_path / "vae.json")[1]["size"] == told


def test_a_model_that_does_not_paint_in_tiles_is_measured_with_no_detail(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(ISA, "detail", 1)
    options = ["--out", str(tmp_path), "--model", "micro", "--detail", "2"]
    assert main(["evaluate", "control", *options]) == 1
    assert "'micro' does not paint in tiles" in capsys.readouterr().err


def test_video_measures_each_metric_in_the_three_settings(tmp_path):
    assert evaluate("video", tmp_path) == 0
    (table,), _ = read(tmp_path / "video.json")
    assert table.columns[1:4] == ("PSNR ↑ Video", "PSNR ↑ Camera", "PSNR ↑ Mask")
    for setting in ("Video", "Camera", "Mask"):
        assert isinstance(table.cell("ceiling", f"SSIM ↑ {setting}"), tuple)
        assert (tmp_path / f"video-{setting.lower()}.png").exists()


def test_an_ablation_trains_the_three_conditionings_alike_and_goes_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("isa_engine.evaluation.ablation.runs._BATCHES", 1)
    config = tmp_path / "dit.toml"
    config.write_text('samples = 2\nbatch = 1\nframes = [1]\nsizes = ["32x32"]\n')
    options = "--config", config, "--training-steps", 2, "--seeds", 1
    assert evaluate("ablation", tmp_path / "out", *options) == 0
    (first,), _ = read(tmp_path / "out/ablation.json")
    names = [row.name for row in first.rows]
    assert names == ["micro", "micro-without-ispe", "micro-controlnet-2d", "ceiling"]
    assert (tmp_path / "out/ablation.png").exists()
    capsys.readouterr()
    assert evaluate("ablation", tmp_path / "out", *options) == 0
    # Finished runs are only measured.
    assert "seed 0" not in capsys.readouterr().out
    (again,), _ = read(tmp_path / "out/ablation.json")
    assert again == first


@pytest.mark.parametrize(
    ("part", "options", "said"),
    [
        ("vae", ["--frames", "6"], "Use 9"),
        ("vae", ["--size", "60x60"], "60x60"),
        ("ablation", [], "--config"),
        ("video", ["--i3d", "nowhere.safetensors"], "nowhere.safetensors"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, capsys, part, options, said):
    assert evaluate(part, tmp_path, *options) == 1
    assert said in capsys.readouterr().err
