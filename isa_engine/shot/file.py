"""The shot file: one ``.npz``, version 1 to 8, readable without torch and never unpickled.

Members: ``header`` (UTF-8 JSON as bytes), ``frame_numbers``, ``intrinsics``, ``camera_to_world``; for each
character k ``character_k_points`` and ``character_k_triangles``, and with a reference
``character_k_reference_points`` and ``character_k_reference_mvp``; for each reference k ``reference_k``
(PNG or JPEG bytes); optionally ``background`` (video bytes). Version 2 has beside: ``character_k_shown`` of
each character that is hidden for a while, ``character_k_skeleton`` of each whose joints are known, and in the
header the shot's cuts and what is said in words. It is written only where there is one of these: an engine
that reads version 1 alone would show everybody all the time, and melt frames about a cut.
Version 3 also has a policy among its settings, where it is not the exact one. Version 4 also has
``kept_latents`` and ``kept_again``, and in the header what take they are of, where one is made again in part.
Version 5 also says that people are painted one by one, where they are. Version 6 also has
``background_depth``, where it is known how far the set is, or says that something else than skeletons steers.
Version 7 also says in which masks people are painted, where these are not their bodies. Version 8 also says
how much larger than its canvas the plate is, where it is.
Any version may say in its header that the background has the cast's ``shadows``: an engine that does not read
it only lays its own shade over them.

The same shot always gives the same bytes, so a file's SHA-256 names the shot.
"""

import io
import json
import os
import zipfile
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np

from isa_engine.configuration.policies import EXACT
from isa_engine.errors import ShotError, reason
from isa_engine.shot.archive import MAX_BYTES, Members, members_of
from isa_engine.shot.shot import SKELETON, Character, Kept, ReferencePose, Settings, Shot
from isa_engine.shot.validation import MAX_CHARACTERS, MAX_FRAMES, MAX_REFERENCES, validate
from isa_engine.whole_file import whole_file

VERSIONS = (1, 2, 3, 4, 5, 6, 7, 8)
_MAX_HEADER_BYTES = 2**20
# What a header leaves out: a shot of which nothing else is said is the same bytes as before it could be said.
_SILENT = {
    "prompt": "",
    "negative_prompt": "",
    "policy": EXACT,
    "one_by_one": False,
    "steering": "pose",
    "painted": "mask",
    "plate_scale": 1,
}
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def encode_shot(shot: Shot) -> bytes:
    """Validate and serialise.

    Raises:
        ShotError: the shot is not whole.
    """
    validate(shot)
    header = json.dumps(_described(shot), sort_keys=True, ensure_ascii=False)
    members = {"header": np.frombuffer(header.encode(), np.uint8), **_arrays(shot)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in members.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED
            )
    return file.getvalue()


def _arrays(shot: Shot) -> dict[str, np.ndarray]:
    """The members but the header, in their order in the file."""
    members: dict[str, np.ndarray] = {
        "frame_numbers": shot.frame_numbers.astype(np.int32),
        "intrinsics": shot.intrinsics.astype(np.float64),
        "camera_to_world": shot.camera_to_world.astype(np.float64),
    }
    for k, character in enumerate(shot.characters):
        members[f"character_{k}_points"] = character.points.astype(np.float32)
        members[f"character_{k}_triangles"] = character.triangles.astype(np.int32)
        if character.reference is not None:
            members[f"character_{k}_reference_points"] = character.reference.points.astype(np.float32)
            members[f"character_{k}_reference_mvp"] = character.reference.mvp.astype(np.float64)
        if not character.visible.all():
            members[f"character_{k}_shown"] = character.visible.astype(np.uint8)
        if character.skeleton is not None:
            members[f"character_{k}_skeleton"] = character.skeleton.astype(np.float32)
    for k, picture in enumerate(shot.references):
        members[f"reference_{k}"] = np.frombuffer(picture, np.uint8)
    if shot.background is not None:
        members["background"] = np.frombuffer(shot.background, np.uint8)
    if shot.background_depth is not None:
        members["background_depth"] = shot.background_depth.astype(np.float16)
    if shot.kept is not None:
        members["kept_latents"] = shot.kept.latents.astype(np.float32)
        members["kept_again"] = shot.kept.again.astype(np.uint8)
    return members


def _described(shot: Shot) -> dict:
    """The header."""
    cast = [_told(character) for character in shot.characters]
    settings = _without_defaults(asdict(shot.settings))
    header = {
        "version": _version(shot, cast, settings),
        "fps": [shot.fps.numerator, shot.fps.denominator],
        "width": shot.width,
        "height": shot.height,
        "characters": cast,
        "references": len(shot.references),
        "frame_reference": shot.frame_reference,
        "background": shot.background is not None,
        "settings": settings,
    }
    if shot.cuts:
        header["cuts"] = list(shot.cuts)
    if shot.background_depth is not None:
        header["background_depth"] = True
    if shot.shadows:
        header["shadows"] = True
    if shot.kept is not None:
        header["kept"] = {"weights": shot.kept.weights, "take": shot.kept.take}
    return header


def _version(shot: Shot, cast: list[dict], settings: dict) -> int:
    """The first version that can say all that is said of a shot.

    Args:
        cast, settings: as the header has them.
    """
    since = {
        1: True,
        2: bool(shot.cuts) or any(len(told) > 2 for told in cast) or bool(_SILENT.keys() & settings),
        3: "policy" in settings,
        4: shot.kept is not None,
        5: shot.settings.one_by_one,
        6: shot.background_depth is not None or "steering" in settings,
        7: "painted" in settings,
        8: "plate_scale" in settings,
    }
    return max(version for version, said in since.items() if said)


def _told(character: Character) -> dict:
    """What the header says of a character: two things of each, others where there is something to say."""
    told = {
        "name": character.name,
        "picture": character.reference.picture if character.reference else None,
        "prompt": character.prompt,
    }
    if not character.visible.all():
        told["hidden"] = True
    if character.skeleton is not None:
        told["skeleton"] = True
    return _without_defaults(told)


def _without_defaults(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if name not in _SILENT or value != _SILENT[name]}


def write_shot(shot: Shot, path: str | os.PathLike) -> None:
    """Write the file whole or not at all: an existing one survives a full disk.

    Raises:
        ShotError: the shot is not whole, or the place cannot be written.
    """
    content = encode_shot(shot)
    path = Path(path)
    try:
        with whole_file(path) as partial:
            partial.write_bytes(content)
    except OSError as error:
        remedy = "Free some space or choose another folder."
        raise ShotError(f"cannot write the shot: {error.strerror}", where=str(path), remedy=remedy) from error


def read_shot(source: str | os.PathLike | bytes, most: int = MAX_BYTES) -> Shot:
    """Read and validate a shot from a path or from bytes that came over the network.

    A hostile file cannot make this allocate more than a few times what it declares, nor declare more than
    ``most`` bytes.

    Raises:
        ShotError: names what is truncated, foreign, too large or wrong.
    """
    where = "shot" if isinstance(source, bytes) else str(source)
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")  # noqa: SIM115
    except OSError as error:
        raise cannot_read(where, error) from error
    with file, members_of(file, where, most) as members:
        shot = _decode(members)
    return validate(shot)


def cannot_read(path: str | os.PathLike, error: OSError) -> ShotError:
    """The sentence for a shot file that could not be opened."""
    remedy = "Name the file shot.npz that is in it." if isinstance(error, IsADirectoryError) else ""
    return ShotError(f"cannot read the shot: {reason(error)}", where=str(path), remedy=remedy)


def _decode(members: Members) -> Shot:
    header = _header(members)
    where = f"{members.where}, field 'header'"
    if header.get("version") not in VERSIONS:
        remedy = "Update the add-on and the engine to the same version."
        problem = f"shot version is {header.get('version')!r}, this engine reads up to {VERSIONS[-1]}"
        raise ShotError(problem, where=where, remedy=remedy)
    try:
        numbers = members.array("frame_numbers", np.int32, (None,))
        references = tuple(
            members.array(f"reference_{k}", np.uint8, (None,)).tobytes()
            for k in range(min(_integer(header["references"]), MAX_REFERENCES + 1))
        )
        return Shot(
            fps=Fraction(*map(_integer, header["fps"])),
            width=_integer(header["width"]),
            height=_integer(header["height"]),
            frame_numbers=numbers,
            intrinsics=members.array("intrinsics", np.float64, (len(numbers), 4)),
            camera_to_world=members.array("camera_to_world", np.float64, (len(numbers), 4, 4)),
            characters=tuple(
                _character(members, k, cast, len(numbers))
                for k, cast in enumerate(header["characters"][: MAX_CHARACTERS + 1])
            ),
            references=references,
            frame_reference=None
            if header["frame_reference"] is None
            else _integer(header["frame_reference"]),
            background=members.array("background", np.uint8, (None,)).tobytes()
            if header["background"]
            else None,
            background_depth=members.array("background_depth", np.float16, (None, None, None))
            if header.get("background_depth")
            else None,
            shadows=_boolean(header.get("shadows", False)),
            settings=_settings(header["settings"]),
            cuts=tuple(map(_integer, header.get("cuts", ())[:MAX_FRAMES])),
            kept=_kept(members, header["kept"]) if "kept" in header else None,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
        raise ShotError(f"the header does not describe a shot: {error!r}", where=where) from error


def _header(members: Members) -> dict:
    where = f"{members.where}, field 'header'"
    info = members.infos.get("header.npy")
    if info is not None and info.file_size > _MAX_HEADER_BYTES:
        raise ShotError("the header is too large", where=where)
    try:
        header = json.loads(members.array("header", np.uint8, (None,)).tobytes())
    except (ValueError, RecursionError) as error:
        raise ShotError("the header is not JSON", where=where) from error
    if not isinstance(header, dict):
        raise ShotError("the header does not describe a shot", where=where)
    return header


def _character(members: Members, k: int, cast: dict, frames: int) -> Character:
    reference = None
    if cast["picture"] is not None:
        reference = ReferencePose(
            picture=_integer(cast["picture"]),
            points=members.array(f"character_{k}_reference_points", np.float32, (None, 3)),
            mvp=members.array(f"character_{k}_reference_mvp", np.float64, (4, 4)),
        )
    return Character(
        name=cast["name"],
        points=members.array(f"character_{k}_points", np.float32, (frames, None, 3)),
        triangles=members.array(f"character_{k}_triangles", np.int32, (None, 3)),
        reference=reference,
        shown=members.array(f"character_{k}_shown", np.uint8, (frames,)) != 0 if cast.get("hidden") else None,
        skeleton=members.array(f"character_{k}_skeleton", np.float32, (frames, SKELETON, 3))
        if cast.get("skeleton")
        else None,
        prompt=cast.get("prompt", ""),
    )


def _kept(members: Members, told: dict) -> Kept:
    latents = members.array("kept_latents", np.float32, (None, None, None, None))
    again = members.array("kept_again", np.uint8, (latents.shape[1],)) != 0
    return Kept(latents, again, told["weights"], told["take"])


def _settings(fields: dict) -> Settings:
    settings = Settings(**{**_SILENT, **fields})
    for name in ("width", "height", "steps", "seed", "plate_scale"):
        _integer(getattr(settings, name))
    if type(settings.guidance) not in (int, float):
        raise TypeError(f"{settings.guidance!r} is not a number")
    for name in ("policy", "steering", "painted"):
        if type(getattr(settings, name)) is not str:
            raise TypeError(f"{getattr(settings, name)!r} is not a name")
    if type(settings.one_by_one) is not bool:
        raise TypeError(f"{settings.one_by_one!r} is neither yes nor no")
    return settings


def _boolean(value) -> bool:
    if type(value) is not bool:
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _integer(value) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is not an integer")
    return value
