"""A farm's view: a .blend goes in, a .blend with its plate comes out, or an exit code and one sentence."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from isa_blender_addon.batch import module_main
from isa_blender_addon.engine.process import find_python
from isa_blender_addon.headless import generate as batch
from isa_blender_addon.plate.camera_plane import MATTE, planes
from isa_blender_addon.scene.picture_bytes import without_words
from isa_blender_addon.takes.files import ARRIVING, FILE, LOG
from isa_blender_addon.takes.take import read_take
from isa_engine.client import EngineClient
from isa_engine.client.protocol import RESULTS
from isa_engine.errors import EngineError
from isa_engine.folder_lock import folder_lock
from isa_engine.shot import read_shot
from tests.addon import fake_engine
from tests.addon.fake_engine import ENDLESS, FAST, REFUSED
from tests.addon.scenes.cast import add_camera, add_person, stage
from tests.service.running import LONG, RunningEngine

ROOT = Path(__file__).resolve().parents[3]


pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    command = (fake_engine.__file__, "serve")
    engine = RunningEngine(tmp_path_factory.mktemp("engine"), "--stop-with-stdin", command=command)
    yield engine
    engine.end()


@pytest.fixture
def blend(scene, tmp_path) -> Path:
    """Two people under a moving camera."""
    stage(scene, frames=3)
    add_person("Ben")
    scene.isa.steps = 2
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"), compress=True)
    return tmp_path / "shot.blend"


@pytest.fixture
def picture(tmp_path) -> Path:
    image = bpy.data.images.new("picture", 16, 16)
    image.filepath_raw, image.file_format = str(tmp_path / "cast.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return tmp_path / "cast.png"


@pytest.fixture
def run(engine, capsys, monkeypatch):
    """The command in this process, on the open file: exit code, stdout, stderr."""
    monkeypatch.setenv("ISA_ENGINE_TOKEN", engine.first_line["token"])

    def run(out: Path, *options) -> tuple[int, str, str]:
        capsys.readouterr()
        status = batch.main(["--out", str(out), "--engine", engine.url, *map(str, options)])
        return (status, *capsys.readouterr())

    return run


def test_the_saved_file_carries_the_plate(blend, run, tmp_path):
    original = blend.read_bytes()
    status, output, errors = run(tmp_path / "out", "--seed", 0)
    assert (status, errors) == (0, "")
    assert {file.name for file in (tmp_path / "out").iterdir()} >= {*RESULTS, "shot-plate.blend"}
    for line in ("reading 3/3", "painted without a network"):
        assert line in output
    assert blend.read_bytes() == original

    # The results may be moved together.
    (tmp_path / "out").rename(tmp_path / "moved")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved" / "shot-plate.blend"))
    (plane,) = planes(bpy.context.scene)
    image = plane.active_material.node_tree.nodes["Image Texture"].image
    assert (image.filepath, plane[MATTE].filepath) == ("//plate.mp4", "//matte.mp4")
    assert (image.frame_duration, image.has_data or image.size[0] > 0) == (3, True)


def test_in_place_saves_into_the_file_itself(blend, run, tmp_path):
    status, _, _ = run(tmp_path / "out", "--in-place")
    assert status == 0
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert len(planes(bpy.context.scene)) == 1
    assert not (tmp_path / "out" / "shot-plate.blend").exists()


def test_the_command_lines_wishes_are_the_shots(blend, picture, run, tmp_path):
    how = ("--steps", 4, "--seed", 0, "--guidance", 3.5, "--detail", 1, "--model", "isa-small")
    options = ("--reference", picture, *how)
    # Nothing has trained it: that holds a shot which nobody wants anyway.
    assert run(tmp_path / "held", *options)[0] != 0
    status, _, _ = run(tmp_path / "out", *options, "--anyway")
    assert status == 0
    shot = read_shot(tmp_path / "out" / "shot.npz")
    settings = shot.settings
    assert (settings.steps, settings.seed, settings.guidance) == (4, 0, 3.5)
    assert settings.model == "isa-small"
    assert min(settings.width, settings.height) == 256
    assert [character.reference.picture for character in shot.characters] == [0, 0]
    assert shot.references == (without_words(picture.read_bytes()),)
    first = [character.points[0] for character in shot.characters]
    np.testing.assert_array_equal([c.reference.points for c in shot.characters], first)


def test_a_part_of_a_take_is_made_again_and_a_longer_scene_extends_it(blend, run, tmp_path):
    assert run(tmp_path / "out")[0] == 0
    take = tmp_path / "out"
    scene = bpy.context.scene
    scene.frame_end += 8
    first = scene.frame_start
    status, _, errors = run(tmp_path / "longer", "--of", take)
    assert (status, errors) == (0, "")
    longer = read_shot(tmp_path / "longer" / "shot.npz")
    # The take's second latent stands for two frames that it has, and for two that only repeat its last.
    assert (longer.frames, longer.kept.again.tolist()) == (11, [False, True, True, True])
    status, _, errors = run(
        tmp_path / "span", "--of", tmp_path / "longer", "--remake", f"{first + 8}-{first + 10}"
    )
    assert (status, errors) == (0, "")
    assert read_shot(tmp_path / "span" / "shot.npz").kept.again.tolist() == [False, True, True, True]
    assert list((tmp_path / "span").glob("*-plate.blend"))
    status, _, errors = run(tmp_path / "same", "--of", tmp_path / "longer", "--remake", "changed")
    assert status == 1
    assert "the take has all frames already, as they are staged now" in errors


def files_of(take: Path) -> dict[str, bytes]:
    """What stands in a take's folder, but for the log of a job that failed."""
    return {file.name: file.read_bytes() for file in take.iterdir() if file.is_file() and file.name != LOG}


def test_an_older_take_in_the_folder_stays_whole_until_all_of_the_new_one_is_there(
    blend, run, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    assert run(out, "--seed", FAST)[0] == 0
    older = files_of(out)
    assert run(out, "--seed", REFUSED)[::2] == (
        1,
        "isa_generate: this shot is not to my taste. Stage another\n",
    )
    assert files_of(out) == older
    assert (out / LOG).exists()

    fetched, fetch = [], EngineClient.fetch

    def break_off(client, job: str, name: str, path: Path, *stopped) -> None:
        # The plate is here by then, and the shot is not.
        if len(fetched) == 2:
            raise EngineError("the disk of the engine is gone")
        fetched.append(name)
        fetch(client, job, name, path, *stopped)

    with monkeypatch.context() as patched:
        patched.setattr(EngineClient, "fetch", break_off)
        assert run(out, "--seed", 7)[0] == 1
    assert fetched[0] == "plate.mp4"
    assert files_of(out) == older

    assert run(out, "--seed", 7)[0] == 0
    assert read_take(out).settings.seed == read_shot(out / "shot.npz").settings.seed == 7
    # Nothing is left of those that did not come.
    assert {file.name for file in out.iterdir() if file.suffix != ".blend"} == {*RESULTS, FILE}


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.skipif(sys.platform == "win32", reason="no signal to another process")
def test_an_older_take_outlives_a_job_that_is_interrupted_or_killed(blend, engine, run, tmp_path, name):
    out = tmp_path / "out"
    assert run(out, "--seed", FAST)[0] == 0
    older = files_of(out)
    process = module(engine, blend, "--out", out, "--seed", ENDLESS)
    assert any(line.startswith("denoise") for line in process.stdout)
    process.send_signal(name)
    process.communicate(timeout=LONG)
    assert files_of(out) == older
    # What a killed one has left is in nobody's way but the engine's, which goes on.
    for job in engine.client.jobs():
        if not job.over:
            engine.client.cancel(job.id)
    assert run(out, "--seed", 7)[0] == 0
    assert {file.name for file in out.iterdir() if file.suffix != ".blend"} == {*RESULTS, FILE}


def test_options_of_a_remake_that_make_no_sense_are_said_before_a_frame_is_read(blend, run, tmp_path):
    for options, sentence in (
        (("--remake", "2-3"), "Give its folder with --of."),
        (("--of", tmp_path, "--remake", "some"), "for instance --remake 80-96"),
        (
            ("--of", tmp_path / "none"),
            f"the take cannot be read: No such file or directory ({tmp_path / 'none'}",
        ),
        (("--of", blend, "--remake", "changed"), f"the take cannot be read: Not a directory ({blend}"),
    ):
        status, output, errors = run(tmp_path / "out", *options)
        assert status == 1
        assert sentence in errors
        assert "reading" not in output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--steps", 0), "--steps 0 is out of range"),
        (("--seed", -1), "--seed -1 is out of range"),
        (
            ("--reference", "/nowhere/cast.png"),
            "picture is missing, damaged or nothing that Blender opens, '/nowhere/cast.png'",
        ),
    ],
)
def test_a_wish_that_cannot_be_granted_is_said(blend, run, tmp_path, options, sentence):
    status, _, errors = run(tmp_path / "out", *options)
    assert status == 1
    assert sentence in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "out" / "shot-plate.blend").exists()


def test_a_scene_without_a_camera_a_character_or_a_file_is_said(scene, run, tmp_path):
    assert run(tmp_path / "out")[::2] == (
        1,
        "isa_generate: no .blend is open. Name one: blender -b shot.blend --command isa_generate ...\n",
    )
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "empty.blend"))
    add_person()
    assert "no active camera" in run(tmp_path / "out")[2]
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "empty.blend"))
    add_camera(bpy.context.scene)
    assert "no character" in run(tmp_path / "out")[2]


@pytest.mark.parametrize("place", ["file", "file/out", "/proc/isa"])
def test_an_output_folder_that_cannot_be_written_is_said_before_a_frame_is_read(blend, run, tmp_path, place):
    (tmp_path / "file").write_text("")
    status, output, errors = run(tmp_path / place)
    assert status == 1
    assert "cannot write: " in errors
    assert f"({tmp_path / place}). Choose a folder that you may write to" in errors
    assert errors.count("\n") == 1
    assert "reading" not in output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
def test_a_folder_in_which_another_take_is_being_made_is_left_to_it(blend, run, tmp_path):
    out = tmp_path / "out"
    (out / f"{ARRIVING}take").mkdir(parents=True)
    with folder_lock(out):
        status, output, errors = run(out)
    assert status == 1
    assert f"another take is being made in '{out}'. Wait until that is over" in errors
    assert "reading" not in output
    assert [file.name for file in out.iterdir()] == [f"{ARRIVING}take"]


def test_a_file_that_cannot_be_replaced_is_said_before_a_frame_is_read(blend, run, tmp_path, monkeypatch):
    asked = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != blend and asked(path, mode))
    status, output, errors = run(tmp_path / "out", "--in-place")
    assert status == 1
    assert "is read-only. Leave out --in-place, or make it writable." in errors
    assert "reading" not in output


def test_an_address_that_a_script_left_empty_is_not_this_machines_engine(blend, tmp_path, capsys):
    assert batch.main(["--out", str(tmp_path / "out"), "--engine", ""]) == 1
    told = capsys.readouterr()
    assert "no remote engine is entered" in told.err
    assert "reading" not in told.out


def test_an_engine_that_is_not_there_is_said(blend, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ISA_ENGINE_PYTHON", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert batch.main(["--out", str(tmp_path / "out")]) == 1
    assert "No engine on this machine. Run install/engine.sh" in capsys.readouterr().err


def test_where_none_is_installed_the_module_takes_the_engine_of_its_own_python(
    blend, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("ISA_ENGINE_PYTHON", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("isa_blender_addon.batch.register", lambda: None)
    monkeypatch.setattr("isa_blender_addon.batch.run", lambda arguments: print(find_python("")) or 0)
    assert module_main([str(blend), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == sys.executable


def test_the_applications_own_signal_handler_does_not_spoil_the_end(scene, run, tmp_path, monkeypatch):
    # Blender catches Ctrl-C in C, which Python reports as None and cannot set again.
    installed = []
    monkeypatch.setattr(signal, "signal", lambda _number, handler: installed.append(handler))
    assert run(tmp_path / "out")[0] == 1
    assert len(installed) == 4
    assert None not in installed


def module(engine, *arguments) -> subprocess.Popen:
    """``python -m isa_blender_addon.batch``, as a farm starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "isa_blender_addon.batch", *map(str, arguments), "--engine", engine.url],
        cwd=ROOT,
        env={**os.environ, "ISA_ENGINE_TOKEN": engine.first_line["token"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_module_does_the_same_and_a_wrong_file_is_its_exit_code(blend, engine, tmp_path):
    process = module(engine, blend, "--out", tmp_path / "out")
    output, errors = process.communicate(timeout=LONG)
    assert process.returncode == 0, errors
    assert "saved" in output
    assert (tmp_path / "out" / "shot-plate.blend").is_file()
    (tmp_path / "wrong.blend").write_text("no blend")
    process = module(engine, tmp_path / "wrong.blend", "--out", tmp_path / "out")
    _, errors = process.communicate(timeout=LONG)
    assert process.returncode == 1
    assert "cannot open" in errors
    assert "wrong.blend" in errors


def test_a_folder_in_place_of_a_file_is_told_what_to_name(tmp_path, capsys):
    assert module_main([str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert (
        capsys.readouterr().err == f"isa_generate: '{tmp_path}' is a folder. Name the .blend that is in it.\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
def test_an_interrupt_cancels_the_job_and_saves_nothing(blend, engine, tmp_path):
    process = module(engine, blend, "--out", tmp_path / "out", "--seed", ENDLESS)
    for line in process.stdout:
        if line.startswith("denoise"):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LONG)
    assert process.returncode == 130
    assert errors.strip().endswith("interrupted")
    assert not (tmp_path / "out" / "shot-plate.blend").exists()
