"""How a model is run: offloaded to the same bits, in 8 bits, changed by LoRAs, with another attention."""

import json
import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from isa_engine import cli
from isa_engine.commands import doctor
from isa_engine.commands.doctor import fit
from isa_engine.configuration.policies import Preset
from isa_engine.cost import wan
from isa_engine.errors import ModelError
from isa_engine.models import KINDS, describe, room, vace
from isa_engine.models.added import added as remembered
from isa_engine.pipeline import device, load_model
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.vace import loading, placing
from isa_engine.results.record import sha256
from isa_engine.shot import encode_shot
from tests.pipeline.vace.test_vace import shot_of_people, silent

GIB = 2**30
# Wan2.1-VACE by its published configurations.
SHAPES = {
    "1.3B": wan.Shape((1, 2, 2), 8, 1536, 30, 8960, 15, 16, 96, 4096),
    "14B": wan.Shape((1, 2, 2), 8, 5120, 40, 13824, 8, 16, 96, 4096),
}
SIZES = {"1.3B": 2_150_000_000, "14B": 17_340_000_000}


def described(size: str, fp8=False, cached=False) -> vace.VACE:
    parameters = {"transformer": SIZES[size], "vae": 127_000_000, "text_encoder": 5_680_000_000}
    return vace.VACE(size, "here", "apache-2.0", SHAPES[size], parameters, fp8, cached, vace.FULL)


def add(published, name, *options) -> int:
    return cli.main(["model", "add", str(published), "--name", name, "--accept-licence", *options])


def made(name, model):
    return denoise(shot_of_people(name, steps=1), "hash", model, silent)


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_offloaded_paints_the_same_bits(added, model, monkeypatch, number):
    whole, described = made(added, model), describe(added)
    way = described.ways(room.longest_work(described), "cuda")[number]
    monkeypatch.setattr(placing, "way", lambda *_: way)
    offloaded = load_model(added, "cpu")
    assert (model.told()["memory"], offloaded.told()["memory"]) == ("whole", way.name)
    assert model.weights == offloaded.weights
    for part in ("text_encoder", "transformer"):
        modules = getattr(offloaded, part).modules()
        assert any(hasattr(module, "_diffusers_hook") for module in modules) == (part in way.offloaded)
    assert torch.equal(made(added, offloaded), whole)


def test_the_fastest_way_that_fits_is_taken_and_where_none_does_it_is_said(added, monkeypatch):
    for module in (placing, device):
        monkeypatch.setattr(module, "free_memory", lambda device: 1000)
    with pytest.raises(ModelError, match=r"needs .* GiB of cpu.*--fp8"):
        load_model(added, "cpu")
    for size, fp8, memory, taken in (
        ("1.3B", False, 24, "whole"),
        ("1.3B", False, 12, "text encoder offloaded"),
        ("1.3B", False, 8, "offloaded"),
        ("14B", False, 80, "whole"),
        ("14B", False, 48, "text encoder offloaded"),
        ("14B", False, 24, "offloaded"),
        ("14B", True, 32, "text encoder offloaded"),
    ):
        model = described(size, fp8)
        ways = model.ways(room.longest_work(model), "cuda")
        assert sorted((way.bytes for way in ways), reverse=True) == [way.bytes for way in ways]
        assert (size, memory, room.fitting(ways, memory * GIB).name) == (size, memory, taken)
        times = [room.seconds(model, room.longest_work(model), "cuda", way, {})["denoise"] for way in ways]
        assert sorted(times) == times


def test_doctor_says_what_fits_a_gpu_and_how_long_it_takes(added):
    found = {finding.what.split()[0]: finding for finding in fit(24 * GIB, "cuda:0")}
    assert f"{added} on cuda:0: whole" in found[added].what
    assert re.search(r"848 × 480: 81 about [\d.e-]+ minutes, 1000 about [\d.e-]+ min", found[added].what)
    assert found["isa-tiny"].state == "good"
    assert "isa-4b" not in found
    assert all(finding.state == "note" for finding in fit(1000, "cuda:0"))


def test_where_8_bits_would_help_a_model_doctor_says_how(monkeypatch):
    models = {
        "whole-1.3b": described("1.3B"),
        "14b": described("14B"),
        "light-14b": described("14B", fp8=True),
    }
    monkeypatch.setattr(doctor, "names", lambda: tuple(models))
    monkeypatch.setattr(doctor, "describe", models.get)

    def said(gib) -> dict[str, tuple[str, str]]:
        return {name: (f.what, f.remedy) for name, f in zip(models, fit(gib * GIB, "cuda:0"), strict=True)}

    found = said(40)
    assert "on cuda:0: whole" in found["whole-1.3b"][0]
    assert "on cuda:0: offloaded, 11 GiB" in found["14b"][0]
    assert "on cuda:0: whole, 35 GiB" in found["light-14b"][0]
    assert [remedy for _, remedy in found.values()] == ["", "Added with --fp8 it is: whole, 35 GiB.", ""]
    # What is offloaded in 16 bits is offloaded in 8 as well.
    assert not any(remedy for _, remedy in said(24).values())


def test_model_show_tells_what_a_take_costs(added, capsys):
    def shown(*options):
        assert cli.main(["model", "show", added, "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)

    once, long = shown(), shown("--frames", "1001")
    assert (once["frames"], once["canvas"], once["licence"]) == (81, [480, 480], "apache-2.0 (README.md)")
    assert long["generation_operations"]["denoise"] == 16 * once["generation_operations"]["denoise"]
    assert list(once["memory"]) == [
        "processor, whole",
        "GPU, whole",
        "GPU, text encoder offloaded",
        "GPU, offloaded",
    ]
    assert once["memory"] == long["memory"]
    assert once["parameters"].keys() == {"transformer", "vae", "text_encoder"}
    assert once["bytes"]["8 bits"] == sum(describe(added).parameters.values())
    assert long["step_attention"]["self-attention"] == 16 * once["step_attention"]["self-attention"]
    assert once["generation_operations"]["denoise"] == once["steps"] * once["step_operations"]["total"]
    assert cli.main(["model", "show", added, "--size", "848x480"]) == 0
    assert "bytes on a device\n  processor, whole" in capsys.readouterr().out
    assert cli.main(["model", "show", added, "--size", "850x480"]) == 1
    assert "multiples of 16" in capsys.readouterr().err


def test_it_may_keep_the_transformer_in_8_bits_and_paints_about_the_same(published, added, model):
    assert add(published, "light", "--fp8") == 0
    light = load_model("light", "cpu")
    kinds = {parameter.dtype for parameter in light.transformer.parameters()}
    assert kinds == {torch.float8_e4m3fn, torch.float32}
    assert light.told()["run"] == {"fp8": True, "loras": {}, "attention": "", "first_block_cache": 0}
    assert light.weights != model.weights
    assert describe("light").fp8
    whole, about = made(added, model), made("light", light)
    assert 0 < (whole - about).abs().max() < 0.1 * whole.abs().max()


def lora(rank=2, layer="blocks.0.attn1.to_q", width=24):
    torch.manual_seed(1)
    ends = ("lora_A", (rank, width)), ("lora_B", (width, rank))
    return {f"transformer.{layer}.{end}.weight": torch.randn(shape) for end, shape in ends}


def test_a_lora_is_merged_in_whatever_way_its_layers_are_named(published, model, tmp_path):
    tensors = lora()
    down, up = tensors.values()
    theirs = {"diffusion_model.blocks.0.self_attn.q.lora_down.weight": down}
    theirs["diffusion_model.blocks.0.self_attn.q.lora_up.weight"] = up
    save_file(tensors, tmp_path / "ours.safetensors")
    save_file(theirs, tmp_path / "theirs.safetensors")
    before = model.transformer.blocks[0].attn1.to_q.weight
    for name in ("ours", "theirs"):
        file = tmp_path / f"{name}.safetensors"
        assert add(published, name, "--lora", f"{file}=0.5") == 0
        changed = load_model(name, "cpu")
        torch.testing.assert_close(changed.transformer.blocks[0].attn1.to_q.weight, before + 0.5 * up @ down)
        others = (
            changed.transformer.blocks[1].attn1.to_q.weight,
            model.transformer.blocks[1].attn1.to_q.weight,
        )
        assert torch.equal(*others)
        assert changed.weights != model.weights
        assert changed.told()["run"]["loras"] == {file.name: 0.5}
        assert file.name in changed.told()["files"]
        assert str(tmp_path) not in json.dumps(changed.told())
    (tmp_path / "theirs.safetensors").unlink()
    assert describe("theirs").state == "missing"


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (
            lora(layer="blocks.9.attn1.to_q"),
            "'transformer.blocks.9.attn1.to_q.lora_A.weight' changes no layer",
        ),
        (lora(width=12), "is changed by (12, 2) and (2, 12) where (24, 24) is needed"),
        (dict(list(lora().items())[:1]), "'blocks.0.attn1.to_q' has one half"),
        ({}, "the LoRA changes nothing"),
        (None, "a LoRA is a .safetensors file"),
    ],
)
def test_a_lora_that_does_not_fit_is_one_sentence_and_nothing_is_added(
    published, tmp_path, capsys, tensors, words
):
    path = tmp_path / ("lora.pt" if tensors is None else "lora.safetensors")
    save_file(tensors or {}, path)
    assert add(published, "changed", "--lora", str(path)) == 1
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert remembered("changed") is None


def test_another_attention_is_the_models_own_and_one_that_cannot_be_is_said(published, added, model):
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    house = _AttentionBackendRegistry.get_active_backend()
    assert add(published, "other", "--attention", "_native_math") == 0
    torch.testing.assert_close(made("other", load_model("other", "cpu")), made(added, model))
    assert _AttentionBackendRegistry.get_active_backend() == house
    for backend in ("lightning", "flash_hub", "sage"):
        running = replace(remembered(added).running, attention=backend)
        with pytest.raises(ModelError, match=f"attention '{backend}' cannot be used"):
            loading.load(added, replace(remembered(added), running=running), "cpu")


def draft(published, name, tmp_path, *options) -> int:
    path = tmp_path / "few.safetensors"
    save_file(lora(), path)
    return add(published, name, "--fp8", "--lora", f"{path}=0.5", *options)


def test_draft_is_made_by_the_model_that_was_added_for_it_and_the_record_says_how(published, added, tmp_path):
    assert describe(added).presets == vace.FULL
    how = "--few-steps", "4", "--attention", "_native_math", "--cache", "0.1"
    assert draft(published, "quick", tmp_path, "--draft-of", added, *how) == 0
    whole, quick = describe(added), describe("quick")
    assert whole.presets == {**vace.FULL, "Draft": Preset(4, 1.0, model="quick")}
    assert quick.presets["Draft"] == Preset(4, 1.0)
    assert {name: preset.model for name, preset in quick.presets.items() if preset.model} == {
        "Final": added,
        "Exact": added,
    }
    assert KINDS["vace"].told(added, json.loads(json.dumps(whole.facts()))) == whole
    assert len({whole, quick}) == 2
    # Each by its own preset: 30 steps, asked twice each for guidance, beside 4.
    costs = [model.operations(room.longest_work(model))["denoise"] for model in (whole, quick)]
    assert costs[0] == 15 * costs[1]
    shot = tmp_path / "shot.npz"
    shot.write_bytes(encode_shot(shot_of_people(added)))

    def record(*options):
        out = tmp_path / "out"
        assert cli.main(["generate", str(shot), "--device", "cpu", "--out", str(out), *options]) == 0
        return json.loads((out / "record.json").read_text())

    made = record("--preset", "Draft")
    assert made["model"]["name"] == "quick"
    assert made["model"]["run"] == {
        "fp8": True,
        "loras": {"few.safetensors": 0.5},
        "attention": "_native_math",
        "first_block_cache": 0.1,
    }
    assert made["model"]["files"]["few.safetensors"] == sha256(tmp_path / "few.safetensors")
    assert (made["settings"]["steps"], made["settings"]["guidance"]) == (4, 1.0)
    made = record("--model", "quick", "--preset", "Final", "--steps", "1")
    assert (made["model"]["name"], made["model"]["run"]["fp8"]) == (added, False)
    assert (made["settings"]["steps"], made["settings"]["guidance"]) == (1, 5.0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--few-steps", "4"], "only a draft has few steps"),
        (["--draft-of", "nobody"], "'another' cannot be a draft of 'nobody'"),
        (["--draft-of", "another"], "'another' cannot be a draft of 'another'"),
        (["--draft-of", "quick"], "'another' cannot be a draft of 'quick'"),
        (["--draft-of", "tiny-vace"], "'tiny-vace' has a draft, 'quick'"),
        (["--draft-of", "tiny-vace", "--few-steps", "-1"], "-1 steps"),
    ],
)
def test_a_draft_of_nothing_is_one_sentence(published, added, tmp_path, capsys, options, sentence):
    assert add(published, "quick", "--draft-of", added) == 0
    assert describe(added).presets["Draft"] == replace(vace.FULL["Draft"], model="quick")
    capsys.readouterr()
    assert add(published, "another", *options) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert sentence in said
    assert remembered("another") is None
