"""A ring holds what was put into it, whole, and is filled whoever dies."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from isa_engine.data.clips.clip_batch import AXES, ClipBatch, batch_of
from isa_engine.data.clips.sources import synthetic_clips
from isa_engine.data.samples.encoding import encode_batch
from isa_engine.data.samples.sources import Samples
from isa_engine.data.samples.staged_batch import stage_clips
from isa_engine.errors import DataError
from isa_engine.geometry.surface import POINTS
from isa_engine.pipeline.isa.model import build_model
from isa_engine.training.ring.feeder import LOG, is_fed
from isa_engine.training.ring.ring import Layout, Ring, Shelf
from tests.pipeline.shots import MICRO
from tests.service.running import alive
from tests.training.clip_sources import plain_clip

LAYOUT = Layout((Shelf(5, 16, 24, 6, 0.75), Shelf(1, 16, 16, 4, 0.25)), 2, 4, 2.0, 0)
NOW = np.zeros((3, 1), np.int64)


def fill(ring: Ring, clips: int, make=plain_clip) -> list[tuple[int, int]]:
    """Put clips into a ring as its writers would; returns the shelf and the seed of each."""
    put = []
    for number in range(clips):
        writer = number % ring.layout.writers
        if (shelf := ring.wanted(writer)) is None:
            break
        of, seed = ring.layout.shelves[shelf], ring.begin(writer)
        clip = batch_of(make(seed, of.frames, of.height, of.width))
        ring.put(writer, shelf, seed, clip.first_points(ring.layout.points))
        put.append((shelf, seed))
    return put


@pytest.mark.parametrize(
    "moments", [[[0, 1, 2, 3, 4]] * 5, [[4, 3, 2], [0, 1, 2], [1, 2, 3], [2, 1, 0], [3, 4, 4]]]
)
def test_what_is_drawn_is_what_was_put_in_whoever_opens_the_ring(tmp_path, moments):
    seeds = {seed for shelf, seed in fill(Ring.create(tmp_path, LAYOUT), 8) if shelf == 0}
    drawn, theirs = Ring(tmp_path).draw(0, np.array(moments), np.random.default_rng(0))
    assert set(theirs) <= seeds
    assert len(set(theirs)) == 5
    truth = ClipBatch.concatenate([batch_of(plain_clip(int(seed), 5, 24, 16)) for seed in theirs])
    clip = torch.arange(5)[:, None]
    for name, letters in AXES.items():
        value = getattr(truth, name)
        value = value[clip, torch.tensor(moments)] if letters[:1] == "F" else value
        assert torch.equal(getattr(drawn, name), value), name


@torch.no_grad()
def test_a_ringed_sample_is_the_sample_of_its_seed(tmp_path):
    """Rendered clips of mixed casts."""
    points, size = MICRO.dit.points, (5, 32, 48)
    layout = Layout((Shelf(5, 48, 32, 6, 1.0),), 1, points, 1.0, 0)
    make, model = synthetic_clips(POINTS, "cpu"), build_model(replace(MICRO, gate=True), None, "cpu")
    ring = Ring.create(tmp_path, layout)
    fill(ring, 6, make)
    clips, seeds = ring.draw(0, np.arange(5)[None].repeat(6, 0), np.random.default_rng(0))
    assert len(clips.characters.unique()) > 1
    made = encode_batch(model, stage_clips(clips, model))
    expected = Samples(model, make, points)(seeds.tolist(), *size)
    assert torch.equal(made[0], expected[0])
    assert torch.equal(made[2], expected[2])
    for field in dataclasses.fields(made[1]):
        assert torch.equal(getattr(made[1], field.name), getattr(expected[1], field.name)), field.name


def test_shelves_fill_by_their_shares_and_wait_until_they_are_drawn_from(tmp_path):
    ring = Ring.create(tmp_path, LAYOUT)
    put = fill(ring, 100)
    assert len(put) == 10
    assert [shelf for shelf, _ in put].count(0) == 6
    assert fill(ring, 100) == []
    # Six clips of five frames, twice each.
    random = np.random.default_rng(0)
    for _ in range(2 * 6):
        ring.draw(0, np.arange(5)[None], random)
    again = fill(ring, 100)
    assert [shelf for shelf, _ in again] == [0] * 6
    seeds = [seed for _, seed in put + again]
    assert len(set(seeds)) == 16
    assert set(ring.draw(0, np.zeros((6, 1), np.int64), random)[1]) == {seed for _, seed in again}


def test_a_clip_that_is_being_written_is_not_drawn(tmp_path):
    ring = Ring.create(tmp_path, LAYOUT)
    fill(ring, 10)
    ring.versions[0][[0, 2, 5]] += 1
    half = set(ring.seeds[0][[0, 2, 5]])
    for seed in range(20):
        _, seeds = ring.draw(0, NOW, np.random.default_rng(seed))
        assert not half & set(seeds)
    # Its writer, or the next one in its place, writes it anew.
    ring.drawn[:] = 10**6
    fill(ring, 60)
    assert ring.filled()[0] == 6


def test_a_clip_that_is_overwritten_while_it_is_drawn_is_drawn_again(tmp_path, monkeypatch):
    ring = Ring.create(tmp_path, LAYOUT)
    fill(ring, 10)
    read, torn = ring._read, []

    def overtaken(shelf, chosen, moments):
        values, seeds = read(shelf, chosen, moments)
        if not torn:
            torn.extend(seeds[:2])
            values["torn"][:2] = True
            values["video"][:2] = 0
        return values, seeds

    monkeypatch.setattr(ring, "_read", overtaken)
    clips, seeds = ring.draw(0, NOW, np.random.default_rng(0))
    for k, seed in enumerate(seeds):
        assert torch.equal(clips.video[k], batch_of(plain_clip(int(seed), 5, 24, 16)).video[0, :1])


def test_an_empty_shelf_says_so(tmp_path):
    with pytest.raises(DataError, match="no clip has been made yet"):
        Ring.create(tmp_path, LAYOUT).draw(0, NOW, np.random.default_rng(0))
    with pytest.raises(DataError, match="no ring of clips"):
        Ring(tmp_path / "elsewhere")


@pytest.fixture
def feeder(tmp_path):
    """Starts a feeder of some source as the command does; kills what is left of it."""
    started = []

    def start(source: str, layout: Layout = LAYOUT, patience: float = 400.0) -> subprocess.Popen:
        Ring.create(tmp_path / "ring", layout)
        code = (
            "import pathlib, sys; from isa_engine.training.ring.feeder import feed; "
            "from tests.training import clip_sources; "
            f"feed(pathlib.Path(sys.argv[1]), clip_sources.{source}, {patience})"
        )
        log = open(tmp_path / LOG, "a")  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "ring")],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


# Three processes that import torch, at low priority: seconds on an idle machine, minutes on a busy one.
feeds = pytest.mark.timeout(1800)
_LONG = 800.0


def until(happened, seconds: float = _LONG) -> bool:
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > seconds:
            return False
        time.sleep(0.05)
    return True


@feeds
def test_a_writer_that_dies_is_replaced_and_its_clip_passed_over(feeder, tmp_path):
    process = feeder("deadly")
    ring = Ring(tmp_path / "ring")
    assert until(lambda: ring.filled().sum() == 10)
    assert 2 not in np.concatenate(ring.seeds)
    assert ring.begun.sum() == ring.written.sum() + 1
    process.terminate()
    assert process.wait(_LONG) == 0
    assert not (tmp_path / "ring").exists()
    assert "another begins" in (tmp_path / LOG).read_text()


@feeds
def test_writers_end_with_their_feeder_and_another_one_goes_on(feeder, tmp_path):
    first = feeder("one_each")
    ring = Ring(tmp_path / "ring")
    assert until(lambda: ring.filled().sum() == LAYOUT.writers)
    assert is_fed(tmp_path / "ring")

    def writers() -> list[int]:
        return [int(pid) for pid in re.findall(r"^writer (\d+)$", (tmp_path / LOG).read_text(), re.M)]

    # A writer may have made its clip before the feeder has told of it.
    assert until(lambda: len(writers()) == LAYOUT.writers)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert until(lambda: not any(map(alive, writers())))
    assert not is_fed(tmp_path / "ring")
    before = set(np.concatenate(ring.seeds)) - {0}
    feeder("plain")
    assert until(lambda: ring.filled().sum() == 10)
    # Nothing that was there is made again.
    assert before <= set(np.concatenate(ring.seeds))


@feeds
def test_where_casts_are_reprojected_writers_make_clips_of_all_points_and_keep_few(feeder, tmp_path):
    feeder("of_all_points", dataclasses.replace(LAYOUT, reprojected=True))
    ring = Ring(tmp_path / "ring")
    assert until(lambda: ring.filled().sum() == 10)
    clips, seeds = ring.draw(0, NOW, np.random.default_rng(0))
    truth = ClipBatch.concatenate([batch_of(plain_clip(int(seed), 5, 24, 16, POINTS)) for seed in seeds])
    assert torch.equal(clips.points, truth.points[:, :1, :, : LAYOUT.points])


@feeds
def test_a_feeder_whom_nobody_asks_ends(feeder, tmp_path):
    assert feeder("plain", patience=4.0).wait(_LONG) == 0
    assert not (tmp_path / "ring").exists()


@feeds
def test_a_source_that_never_works_is_reported(feeder, tmp_path):
    alone = dataclasses.replace(LAYOUT, writers=1)
    assert feeder("broken", alone).wait(_LONG) != 0
    log = (tmp_path / LOG).read_text()
    assert "no such body" in log
    assert "writers died" in log
