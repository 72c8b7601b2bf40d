"""A take that replaces an older one comes out whole, or leaves it alone."""

import os
from pathlib import Path

import pytest

from isa_blender_addon.takes.files import FILE, LOG, PREVIEW, beside
from isa_blender_addon.takes.replacing import begin_within, leave_within, put_in_place, replaced_by
from isa_engine.client.protocol import RESULTS
from isa_engine.errors import SceneError
from tests.killed import killed_after


def older_take(folder: Path) -> Path:
    folder.mkdir()
    for name in (*RESULTS, FILE, PREVIEW, "people.mov"):
        (folder / name).write_text("older")
    return folder


def new_take(folder: Path) -> Path:
    within = begin_within(folder)
    for name in (*RESULTS, FILE):
        (within / name).write_text("new")
    return within


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}


def test_it_is_made_within_under_the_same_name_and_the_older_one_does_not_count_it_as_somebody_elses(
    tmp_path,
):
    take = older_take(tmp_path / "take")
    within = new_take(take)
    assert (within.name, replaced_by(within), replaced_by(take)) == (take.name, take, None)
    assert beside(take) == ["people.mov"]
    assert contents(take) == dict.fromkeys((*RESULTS, FILE, PREVIEW, "people.mov"), "older")


def test_all_of_it_comes_out_and_nothing_that_tells_of_the_older_one_stays(tmp_path):
    take = older_take(tmp_path / "take")
    within = new_take(take)
    # Whoever writes it is not done: it is whole under another name, at any moment.
    (within / f"{FILE}.part").touch()
    put_in_place(within, take)
    leave_within(within)
    # ``take.json`` is its keeper's, and other people's files are theirs.
    assert contents(take) == {**dict.fromkeys(RESULTS, "new"), FILE: "older", "people.mov": "older"}
    assert not [file for file in take.iterdir() if file.is_dir()]


def test_what_is_not_made_any_more_goes_and_its_log_comes_out(tmp_path):
    take = older_take(tmp_path / "take")
    before = contents(take)
    within = begin_within(take)
    for name in ("shot.npz", FILE, LOG):
        (within / name).write_text("new")
    leave_within(within)
    assert contents(take) == {**before, LOG: "new"}
    assert not [file for file in take.iterdir() if file.is_dir()]


@pytest.mark.parametrize("name", RESULTS)
def test_where_one_file_cannot_be_replaced_both_takes_stay_whole(tmp_path, monkeypatch, name):
    take = older_take(tmp_path / "take")
    before, within = contents(take), new_take(take)
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if source == take / name:
            raise PermissionError(13, "it is open in another program")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(
        SceneError, match=r"replaced: it is open in another program. The new one is kept in '"
    ):
        put_in_place(within, take)
    assert contents(take) == before
    leave_within(within)
    assert contents(within) == dict.fromkeys((*RESULTS, FILE), "new")


def test_what_a_killed_job_has_left_goes(tmp_path):
    take = older_take(tmp_path / "take")
    assert not contents(begin_within(new_take(take).parent.parent))
    assert contents(take) == dict.fromkeys((*RESULTS, FILE, PREVIEW, "people.mov"), "older")


@pytest.mark.parametrize("steps", range(40))
def test_an_exchange_that_was_killed_at_any_step_ends_in_one_whole_take(tmp_path, steps):
    take = older_take(tmp_path / "take")
    (take / LOG).write_text("older")
    within = new_take(take)
    (within / LOG).write_text("new")
    with killed_after(steps):
        put_in_place(within, take)
        leave_within(within)
    assert beside(take) == ["people.mov"], "what is left of it is the take's own"
    begin_within(take)
    found = contents(take)
    assert found.pop("people.mov") == "older"
    if set(found.values()) == {"older"}:
        assert found.keys() == {*RESULTS, FILE, PREVIEW, LOG}
    else:
        # Of a take that came out before its keeper's end the note is the keeper's.
        assert found.pop(FILE) in ("older", "new")
        assert found == dict.fromkeys((*RESULTS, LOG), "new")
