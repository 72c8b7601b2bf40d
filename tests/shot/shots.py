"""Shots for these tests: one small one, any valid one, and the means to spoil their files."""

import io
import json
import zipfile
from dataclasses import fields, is_dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from isa_engine.configuration.policies import EXACT
from isa_engine.geometry.frames import segment_latents
from isa_engine.shot import Character, Kept, ReferencePose, Settings, Shot
from isa_engine.shot.shot import SKELETON
from isa_engine.shot.validation import MAX_CANVAS

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
NAMES = ("Anna", 'Jean-"Luc" d\'Arc', "안나 Зоя 林", "a, b/c\\d", " ", "line\nbreak\0", "🕺‮")


def small_shot(**changes) -> Shot:
    """Two characters, three frames, everything present."""
    random = np.random.default_rng(7)
    triangles = np.array([[0, 1, 2], [2, 1, 3]], np.int32)
    pose = ReferencePose(0, random.normal(size=(4, 3)).astype(np.float32), np.eye(4))
    camera = np.tile(np.eye(4), (3, 1, 1))
    camera[:, :3, 3] = [[0, 0, 5], [0.25, 0, 5], [0.5, 0, 5]]
    shot = {
        "fps": Fraction(24000, 1001),
        "width": 1280,
        "height": 720,
        "frame_numbers": np.array([10, 12, 14], np.int32),
        "intrinsics": np.tile([2.0, 3.5, 0.0, 0.1], (3, 1)),
        "camera_to_world": camera,
        "characters": (
            Character("Anna", random.normal(size=(3, 4, 3)).astype(np.float32), triangles, pose),
            Character("Ben", random.normal(size=(3, 4, 3)).astype(np.float32), triangles),
        ),
        "references": (PNG + b"picture",),
        "frame_reference": 0,
        "background": b"video",
        "settings": Settings(width=224, height=128, seed=42, policy=EXACT),
    }
    return Shot(**{**shot, **changes})


def floats(low: float, high: float, width: int = 64) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, width=width)


@st.composite
def rigid(draw) -> np.ndarray:
    q = np.array(draw(st.tuples(*[floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1)))
    w, x, y, z = q / np.linalg.norm(q)
    transform = np.eye(4)
    transform[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    transform[:3, 3] = draw(st.tuples(*[floats(-1000, 1000)] * 3))
    return transform


def away(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    """Metres to a set, or to nothing."""
    metres = st.floats(2.0**-10, 60000, width=16) | st.just(np.inf)
    return arrays.arrays(np.float16, shape, elements=metres, fill=metres)


def partly_shown(frames: int) -> st.SearchStrategy[np.ndarray]:
    """Of a character that is hidden on some frames and shown on others."""
    return arrays.arrays(bool, frames).filter(lambda shown: shown.any() and not shown.all())


@st.composite
def any_shot(draw) -> Shot:
    frames, points = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    pictures = draw(st.lists(st.binary(max_size=20).map(lambda b: PNG + b), max_size=3))
    finite = floats(-(2.0**30), 2.0**30, 32)

    def cloud(*shape: int) -> np.ndarray:
        return draw(arrays.arrays(np.float32, shape, elements=finite, fill=finite))

    def reference() -> ReferencePose | None:
        if not pictures or draw(st.booleans()):
            return None
        mvp = draw(arrays.arrays(np.float64, (4, 4), elements=floats(-100, 100)))
        return ReferencePose(draw(st.integers(0, len(pictures) - 1)), cloud(points, 3), mvp)

    def skeleton() -> np.ndarray:
        places = cloud(frames, SKELETON, 3)
        places[:, sorted(draw(st.sets(st.integers(0, SKELETON - 1), max_size=SKELETON - 1)))] = np.nan
        return places

    cuts = tuple(sorted(draw(st.sets(st.integers(1, frames - 1))))) if frames > 1 else ()

    def kept() -> Kept:
        count = segment_latents([last - first for first, last in pairwise([0, *cuts, frames])])[-1][1]
        again = draw(arrays.arrays(bool, count).filter(np.any))
        return Kept(cloud(2, count, 1, 3), again, draw(st.sampled_from(("random", "ab" * 32))), "cd" * 32)

    words = st.just("") | st.text(max_size=30)
    corner = st.integers(0, points - 1)
    characters = tuple(
        Character(
            draw(st.sampled_from(NAMES) | st.text(min_size=1, max_size=20)),
            cloud(frames, points, 3),
            draw(arrays.arrays(np.int32, (draw(st.integers(0, 4)), 3), elements=corner)),
            reference(),
            draw(st.none() | partly_shown(frames)) if frames > 1 else None,
            skeleton() if draw(st.booleans()) else None,
            draw(words),
        )
        for _ in range(draw(st.integers(1, 3)))
    )
    background = draw(st.none() | st.binary(max_size=40))
    canvas = draw(st.integers(1, 4096)), draw(st.integers(1, 4096))
    depth = None
    if background is not None and draw(st.booleans()):
        canvas = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        depth = draw(away((draw(st.sampled_from((1, frames))), *canvas[::-1])))
    start, step = draw(st.integers(-(10**6), 10**6)), draw(st.integers(1, 1000))
    lens = st.tuples(floats(0.1, 50), floats(0.1, 50), floats(-2, 2), floats(-2, 2))
    return Shot(
        fps=draw(st.fractions(Fraction(1, 100), 1000, max_denominator=1001)),
        width=draw(st.integers(1, 16384)),
        height=draw(st.integers(1, 16384)),
        frame_numbers=np.arange(start, start + frames * step, step, dtype=np.int32),
        intrinsics=np.array([draw(lens) for _ in range(frames)]),
        camera_to_world=np.array([draw(rigid()) for _ in range(frames)]),
        characters=characters,
        references=tuple(pictures),
        frame_reference=draw(st.integers(0, len(pictures) - 1)) if pictures and draw(st.booleans()) else None,
        background=background,
        background_depth=depth,
        shadows=background is not None and draw(st.booleans()),
        settings=Settings(
            model=draw(st.sampled_from(("isa-tiny", "isa-4b", "my 'own' модель"))),
            width=canvas[0],
            height=canvas[1],
            steps=draw(st.integers(1, 1000)),
            guidance=draw(floats(0, 100)),
            seed=draw(st.integers(0, 2**32 - 1)),
            prompt=draw(words),
            negative_prompt=draw(words),
            one_by_one=draw(st.booleans()),
            steering=draw(st.sampled_from(("pose", "depth"))),
            painted=draw(st.sampled_from(("mask", "boxes"))),
            plate_scale=draw(st.sampled_from([k for k in (1, 2, 4) if k * max(canvas) <= MAX_CANVAS])),
        ),
        cuts=cuts,
        kept=kept() if draw(st.booleans()) else None,
    )


def same(a, b) -> bool:
    """Equal in every field, to the bit and the type of each array."""
    if is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b


def members(content: bytes) -> dict[str, bytes]:
    """The archive's members by name, header first."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A well-formed archive of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as out:
        for name, part in parts.items():
            out.writestr(zipfile.ZipInfo(name), part, compression)
    return file.getvalue()


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def with_member(content: bytes, name: str, part: bytes | None) -> bytes:
    """The shot file with one member replaced, or removed."""
    parts = {**members(content), f"{name}.npy": part}
    return archive({name: part for name, part in parts.items() if part is not None})


def header(content: bytes) -> dict:
    return json.loads(np.load(io.BytesIO(members(content)["header.npy"])).tobytes())


def with_header(content: bytes, value) -> bytes:
    return with_member(content, "header", npy(np.frombuffer(json.dumps(value).encode(), np.uint8)))
