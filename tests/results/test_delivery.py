"""People with alpha for other programs: what is written is what plate and matte show."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest

from isa_engine.cli import main
from isa_engine.results.delivery import deliver, people
from isa_engine.results.files import PEOPLE
from isa_engine.results.video import write_video

FRAMES, SIZE = 4, (48, 64)


@pytest.fixture
def results(tmp_path):
    """Soft colours, and a matte with a soft edge that moves."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] / 64
    colours, mattes = [], []
    for frame in range(FRAMES):
        waves = [np.sin(6 * x + frame + 2 * c) * np.cos(5 * y - frame) for c in range(3)]
        colours.append((127.5 + 110 * np.stack(waves, -1)).astype(np.uint8))
        edge = np.clip((x - 0.3 - frame / 20) * 6, 0, 1)
        mattes.append(np.repeat((255 * edge[..., None]).astype(np.uint8), 3, -1))
    for name, pictures in (("plate", colours), ("matte", mattes)):
        write_video(tmp_path / f"{name}.mp4", pictures, Fraction(24000, 1001), 1, {})
    record = {"shot": {"frame_numbers": [101, 102, 103, 104]}}
    (tmp_path / "record.json").write_text(json.dumps(record))
    return tmp_path


def test_prores_4444_holds_straight_colours_and_alpha_at_the_plates_rate(results):
    with av.open(str(deliver(results, "prores"))) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.profile) == ("prores", "4444")
        assert stream.average_rate == Fraction(24000, 1001)
        found = [frame.to_ndarray(format="rgba") for frame in file.decode(stream)]
    expected = list(people(results))
    assert len(found) == FRAMES
    for shown, wanted in zip(found, expected, strict=True):
        difference = np.abs(shown.astype(int) - wanted)
        assert difference[..., 3].max() <= 1
        assert difference[..., :3].mean() < 1.5


def test_png_pictures_are_the_frames_under_the_scenes_numbers(results):
    folder = deliver(results, "png")
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"people.{number:04}.png" for number in range(101, 105)]
    for name, wanted in zip(names, people(results), strict=True):
        assert np.array_equal(_decoded(folder / name, "rgba"), wanted)


def test_exr_pictures_hold_premultiplied_light(results):
    folder = deliver(results, "exr")
    for path, wanted in zip(sorted(folder.iterdir()), people(results), strict=True):
        value, alpha = wanted[..., :3] / 255, wanted[..., 3:] / 255
        light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        found = _decoded(path, "gbrapf32le")
        np.testing.assert_allclose(found[..., :3], light * alpha, atol=1e-3)
        np.testing.assert_allclose(found[..., 3:], alpha, atol=1e-3)


def _decoded(path, pixel_format: str) -> np.ndarray:
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format=pixel_format)


@pytest.mark.parametrize("kind", PEOPLE)
def test_what_stood_there_is_replaced_once_all_is_written(results, kind):
    out = deliver(results, kind)
    before = _content(out)
    assert _content(deliver(results, kind)) == before
    (results / "matte.mp4").write_bytes((results / "matte.mp4").read_bytes()[:-300])
    assert main(["deliver", str(results), "--as", kind]) == 1
    assert _content(out) == before
    assert not list(results.glob("*.part"))


def _content(out) -> list[bytes]:
    return [path.read_bytes() for path in (sorted(out.iterdir()) if out.is_dir() else [out])]


def test_a_take_without_a_matte_is_said(results, capsys):
    (results / "matte.mp4").unlink()
    assert main(["deliver", str(results)]) == 1
    assert f"the file is missing ({results / 'matte.mp4'})" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["png", "exr"])
def test_pictures_take_no_place_of_anything_but_pictures_that_were_delivered(results, tmp_path, kind, capsys):
    folder = tmp_path / "precious"
    (folder / "people.0001.png").mkdir(parents=True)
    (folder / "thesis.odt").write_text("all my work")
    for out in (folder, folder / "thesis.odt"):
        assert main(["deliver", str(results), "--as", kind, "--out", str(out)]) == 1
        assert "Choose an empty folder" in capsys.readouterr().err
    assert (folder / "thesis.odt").read_text() == "all my work"
    half = tmp_path / "new.part"
    half.mkdir()
    (half / "thesis.odt").touch()
    assert main(["deliver", str(results), "--as", kind, "--out", str(tmp_path / "new")]) == 1
    assert (half / "thesis.odt").exists()


def test_a_movie_takes_no_folders_place_and_leaves_it(results, tmp_path, capsys):
    for folder in ("mine", "other.mov.part"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes").touch()
    for out in ("mine", "other.mov"):
        assert main(["deliver", str(results), "--out", str(tmp_path / out)]) == 1
        said = capsys.readouterr().err
        assert "a folder stands in the place of the movie" in said
        assert "Name another place with --out, such as " in said
    assert not (tmp_path / "other.mov").exists()
    assert all((tmp_path / folder / "notes").exists() for folder in ("mine", "other.mov.part"))


def test_pictures_replace_pictures_that_a_finder_looked_at(results):
    folder = deliver(results, "png")
    (folder / ".DS_Store").touch()
    assert len(list(deliver(results, "png").iterdir())) == FRAMES


@pytest.mark.parametrize("kind", PEOPLE)
@pytest.mark.parametrize("content", [b"", b"no movie", None])
def test_a_plate_that_is_none_is_said_of_the_plate_and_nothing_is_made(
    results, tmp_path, kind, content, capsys
):
    plate = results / "plate.mp4"
    if content is None:
        plate.unlink()
    else:
        plate.write_bytes(content)
    assert main(["deliver", str(results), "--as", kind, "--out", str(tmp_path / "deep" / "out")]) == 1
    assert str(plate) in capsys.readouterr().err
    assert not (tmp_path / "deep").exists()
