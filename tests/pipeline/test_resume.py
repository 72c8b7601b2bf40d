"""A generation that broke off goes on where it was, and ends in the same bytes."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isa_engine.errors import Cancelled
from isa_engine.pipeline import generate
from isa_engine.pipeline.resume import LatentsFile
from tests.pipeline.shots import make_shot

STEPS = 4
FILES = ("plate.mp4", "matte.mp4", "shot.npz")


@dataclass
class Kept:
    path: Path
    steps: list[int] = field(default_factory=list)

    def saved(self, step: int) -> None:
        self.steps.append(step)


def stop_after(step: int):
    def report(progress):
        if (progress.phase, progress.step) == ("denoise", step):
            raise Cancelled

    return report


@pytest.fixture(scope="module")
def undisturbed(model, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed")
    generate(make_shot(steps=STEPS), model, out, lambda progress: None, made=1e9)
    return {name: (out / name).read_bytes() for name in FILES}


@pytest.mark.parametrize("stop", [(1,), (2, 3), (4,), (1, 2, 3, 4)])
def test_what_broke_off_ends_in_the_same_bytes_without_a_step_done_twice(stop, model, undisturbed, tmp_path):
    kept = Kept(tmp_path / "latents")
    shot = make_shot(steps=STEPS)
    for step in stop:
        with pytest.raises(Cancelled):
            generate(shot, model, tmp_path / "out", stop_after(step), checkpoint=kept, made=1e9)
    said = []
    generate(shot, model, tmp_path / "out", said.append, checkpoint=kept, made=1e9)
    assert kept.steps == list(range(1, STEPS + 1))
    left = range(stop[-1], STEPS + 1) if stop[-1] < STEPS else ()
    assert [each.step for each in said if each.phase == "denoise"] == [*left]
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == undisturbed


@pytest.mark.parametrize("between", [STEPS, 2 * STEPS])
def test_what_broke_off_between_two_segments_and_then_once_more_ends_in_the_same_bytes(
    between, model, tmp_path
):
    shot = replace(make_shot(13, steps=STEPS), cuts=(3, 9))
    generate(shot, model, tmp_path / "whole", lambda progress: None, made=1e9)
    kept = Kept(tmp_path / "latents")
    for step in (between, between + 2):
        with pytest.raises(Cancelled):
            generate(shot, model, tmp_path / "out", stop_after(step), checkpoint=kept, made=1e9)
    generate(shot, model, tmp_path / "out", lambda progress: None, checkpoint=kept, made=1e9)
    assert kept.steps == list(range(1, 3 * STEPS + 1))
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("damage", ["another shot", "torn", "nonsense", "one bit"])
def test_a_checkpoint_that_does_not_fit_is_as_good_as_none(damage, model, undisturbed, tmp_path, caplog):
    kept = Kept(tmp_path / "latents")
    shot = make_shot(steps=STEPS)
    other = make_shot(steps=STEPS, seed=9) if damage == "another shot" else shot
    with pytest.raises(Cancelled):
        generate(other, model, tmp_path / "out", stop_after(2), checkpoint=kept, made=1e9)
    if damage == "torn":
        kept.path.write_bytes(kept.path.read_bytes()[:-8])
    elif damage == "nonsense":
        kept.path.write_bytes(b"nonsense")
    elif damage == "one bit":
        kept.path.write_bytes(flipped(kept.path.read_bytes(), -3, 6))
    kept.steps.clear()
    generate(shot, model, tmp_path / "out", lambda progress: None, checkpoint=kept, made=1e9)
    assert kept.steps == list(range(1, STEPS + 1))
    assert ("denoising begins anew" in caplog.text) == (damage != "another shot")
    assert (tmp_path / "out" / "plate.mp4").read_bytes() == undisturbed["plate.mp4"]


def flipped(content: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1 << bit
    return bytes(changed)


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """One bit is another, the end is missing, or a block of it is all zeros."""
    places = st.integers(0, len(content) - 1)
    return (
        st.builds(lambda place, bit: flipped(content, place, bit), places, st.integers(0, 7))
        | places.map(lambda place: content[:place])
        | places.map(
            lambda place: content[:place] + bytes(len(content[place : place + 64])) + content[place + 64 :]
        )
    )


def test_of_a_damaged_file_nothing_is_used_that_was_not_saved(model, tmp_path, caplog):
    kept = Kept(tmp_path / "latents")
    saved, noise, remembered = torch.randn(3, 1, 4, 2, 3, 3), torch.zeros(1, 4, 2, 3, 3), torch.tensor(7)
    file = LatentsFile(kept, "a", model, 4)
    for segment, latents in enumerate(saved):
        file.begin(segment)
        file.save(3, latents, {"tried.age": remembered})
    content = kept.path.read_bytes()

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(damaged(content))
    def used(content):
        kept.path.write_bytes(content)
        caplog.clear()
        file = LatentsFile(kept, "a", model, 4)
        for segment, latents in enumerate(saved):
            file.begin(segment)
            done, found, memory = file.load(noise)
            if done:
                assert torch.equal(found, latents)
                assert (done, memory) == (3 if segment == 2 else 4, {"tried.age": remembered})
            else:
                assert torch.equal(found, noise)
                assert "denoising begins anew" in caplog.text

    used()


def test_what_a_policy_remembers_comes_back_whatever_its_layout_in_memory(model, tmp_path):
    file = LatentsFile(Kept(tmp_path / "latents"), "a", model, 4)
    latents, turned = torch.randn(1, 4, 2, 3, 3), torch.randn(1, 2, 3, 3, 4).movedim(-1, 1)
    assert not turned.is_contiguous()
    file.save(1, latents, {"seer.now": turned})
    _, _, memory = LatentsFile(Kept(tmp_path / "latents"), "a", model, 4).load(latents)
    assert torch.equal(memory["seer.now"], turned)


def test_a_full_disk_leaves_the_older_checkpoint(model, tmp_path, monkeypatch):
    kept = Kept(tmp_path / "latents")
    file = LatentsFile(kept, "a", model, 4)
    latents = torch.randn(1, 4, 2, 3, 3)
    file.save(1, latents, {})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.save(2, torch.zeros_like(latents), {})
    done, found, _ = LatentsFile(kept, "a", model, 4).load(torch.zeros_like(latents))
    assert done == 1
    assert torch.equal(found, latents)
    assert list(tmp_path.iterdir()) == [kept.path]
