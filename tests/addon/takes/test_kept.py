"""What is known of takes is on disk a moment later, or it is said why not."""

from dataclasses import replace
from pathlib import Path

import pytest

from isa_blender_addon.engine.snapshot import JobSnapshot
from isa_blender_addon.takes.kept import KeptTakes
from isa_blender_addon.takes.take import Take, read_take
from isa_engine.shot import Settings, encode_shot
from tests.full_disk import room_for
from tests.service.running import eventually
from tests.shot.shots import small_shot


@pytest.fixture
def kept():
    kept = KeptTakes()
    yield kept
    kept.close()


def fresh(folder: Path, **known) -> Take:
    folder.mkdir(parents=True)
    return Take(folder, "shot", "a.blend", "Scene", (1, 9, 1), Settings(), **known)


def settle(kept: KeptTakes) -> None:
    eventually(lambda: kept.look() or kept.settled, "all is on disk")


def test_a_take_and_its_shot_are_on_disk_a_moment_later_and_so_is_every_change(kept, tmp_path):
    take, shot = fresh(tmp_path / "a"), small_shot()
    kept.add(take, shot)
    assert not kept.settled
    settle(kept)
    assert read_take(take.folder) == take == kept[take.folder]
    assert take.read_shot() == encode_shot(shot)
    kept.set(replace(take, pinned=True))
    settle(kept)
    assert read_take(take.folder).pinned
    assert kept.trouble is None


def test_a_shot_that_finds_no_room_fails_its_take_and_is_written_when_there_is_some(kept, tmp_path):
    take = fresh(tmp_path / "a")
    with room_for(10):
        kept.add(take, small_shot())
        settle(kept)
    assert "Free some space" in str(kept.trouble)
    failed = kept[take.folder]
    assert failed.state == "failed"
    assert "cannot write the shot" in failed.error
    kept.keep_shot(failed)
    assert kept.writes_shot(take.folder)
    kept.set(replace(failed, state="waiting", error=""))
    settle(kept)
    assert kept.trouble is None
    assert take.read_shot() == encode_shot(small_shot())
    kept.keep_shot(kept[take.folder])
    assert kept.settled, "what is on disk is not written again"


def test_a_take_that_is_adopted_is_written_to_its_new_folder_alone(kept, tmp_path):
    take = fresh(tmp_path / "a")
    kept.add(take, small_shot())
    settle(kept)
    (tmp_path / "b").mkdir()
    moved = kept.adopt(take, tmp_path / "b", "b.blend")
    assert kept.all() == [moved]
    assert read_take(tmp_path / "b") == moved == replace(take, folder=tmp_path / "b", blend="b.blend")
    assert read_take(tmp_path / "a") == take, "nothing more is written there"


def test_what_is_removed_is_forgotten_and_its_files_go(kept, tmp_path):
    take = fresh(tmp_path / "a")
    kept.add(take, small_shot())
    settle(kept)
    kept.remove(take.folder)
    assert take.folder not in kept
    kept.wait()
    assert not take.folder.exists()


@pytest.mark.parametrize("state", ["queued", "running", "held", "fetching", "lost"])
def test_a_job_that_the_engine_has_is_noted_as_sent_with_its_name(tmp_path, state):
    take = fresh(tmp_path / "a")
    noted = JobSnapshot(state=state, job="1" * 32).noted(take)
    assert noted == replace(take, state="sent", job="1" * 32)
    assert JobSnapshot(state=state, job="1" * 32).noted(noted) is noted


def test_a_job_that_the_engine_has_ended_is_noted_with_another_key(tmp_path):
    take = fresh(tmp_path / "a", state="sent", job="1" * 32)
    noted = JobSnapshot(state="failed", error="The dog ate it.").noted(take)
    assert (noted.state, noted.error, noted.job) == ("failed", "The dog ate it.", "")
    assert noted.key != take.key


def test_a_job_that_failed_here_keeps_its_name_and_key_so_that_it_can_go_on(tmp_path):
    take = fresh(tmp_path / "a", state="sent", job="1" * 32)
    noted = JobSnapshot(state="failed", job="1" * 32, error="No room.").noted(take)
    assert noted == replace(take, state="failed", error="No room.")
