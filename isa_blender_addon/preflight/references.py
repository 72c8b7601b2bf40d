"""Reference pictures: missing, or not fitting the pose and camera they are said to show."""

from dataclasses import dataclass

import numpy as np

from isa_engine.geometry.ndc import project
from isa_engine.shot import Shot

from ..matching.marks import close
from ..scene.picture_bytes import LONGEST
from .finding import Finding, Mend

# Share by which the picture's width to height may differ from the camera's frame.
_SHAPE = 0.03
# Share of the body's points that a picture must show.
_GLIMPSE = 0.1


@dataclass(frozen=True)
class CastPicture:
    """What is known of a character's reference without reading the scene.

    Attributes:
        name: the character's.
        size: of the picture in pixels; None where there is no picture.
        frame_shape: width and height of the camera's frame, where the picture is said to show a frame of the
            scene, now or as it was made; None where the character was matched to it by itself.
        matched: whether it is known where the character stands in it.
        posed: whether anybody has said how: the ghost no longer stands as it was made.
        other: whether it was said of another picture.
        error: in pixels, of the joints placed on the picture; None where there are none.
        figure: size of the character in it, in pixels.
        turned: whether other programs turn it before they show it; the model sees it as it is stored.
        unread: the file that was chosen, if it is missing or nothing that Blender can open.
    """

    name: str
    size: tuple[int, int] | None
    frame_shape: tuple[float, float] | None
    matched: bool = True
    posed: bool = True
    error: float | None = None
    figure: float = 0.0
    turned: bool = False
    unread: str = ""
    other: bool = False


def check_pictures(pictures: list[CastPicture]) -> list[Finding]:
    """Who has no picture, or one that does not match."""
    missing = [picture.name for picture in pictures if picture.size is None and not picture.unread]
    found = [_missing(missing)] if missing else []
    found += [_unread(picture) for picture in pictures if picture.unread]
    for picture in pictures:
        name, match = picture.name, Mend("Match", "isa.match_reference", {"character": picture.name})
        if picture.size is None:
            continue
        if picture.turned:
            text = (
                "{name}'s picture is stored turned: other programs set it upright, Blender and the model see "
                "it lying. Turn it upright."
            )
            upright = Mend("Turn Upright", "isa.turn_picture", {"character": name})
            found.append(Finding(text, {"name": name}, (upright,), not _posed_on_it(picture)))
            continue
        if max(picture.size) > LONGEST:
            text = "{name}'s picture, {size}, is scaled down to {longest} pixels on the way."
            values = {"name": name, "size": f"{picture.size[0]}×{picture.size[1]}", "longest": LONGEST}
            found.append(Finding(text, values))
        if not picture.matched:
            found.append(Finding("{name} is not matched to the reference picture.", {"name": name}, (match,)))
        elif not picture.posed:
            text = "Nobody has posed {name}'s stand-in by the picture: the look is taken from a wrong place."
            found.append(Finding(text, {"name": name}, (match,), True))
        elif picture.other:
            text = "{name}'s stand-in is posed by another picture: look at it before this one."
            found.append(Finding(text, {"name": name}, (match,)))
        elif picture.frame_shape and _differ(picture.size, picture.frame_shape):
            text = "{name}'s picture has another shape than the camera's view, {size}: match it."
            values = {"name": name, "size": f"{picture.size[0]}×{picture.size[1]}"}
            found.append(Finding(text, values, (match,)))
        elif picture.error is not None and not close(picture.error, picture.figure):
            text = "{name} is {pixels:.0f} pixels off in the reference picture."
            found.append(Finding(text, {"name": name, "pixels": picture.error}, (match,)))
    return found


def _posed_on_it(picture: CastPicture) -> bool:
    """Whether a stand-in was posed on the picture as Blender shows it, turned or not."""
    by_itself = picture.frame_shape is None
    return by_itself and picture.matched and picture.posed and not picture.other


def _unread(picture: CastPicture) -> Finding:
    text = (
        "{name}'s picture is missing, damaged or nothing that Blender opens, '{file}': choose a PNG or JPEG."
    )
    choose = Mend("Choose Picture", "isa.choose_picture", {"character": picture.name})
    return Finding(text, {"name": picture.name, "file": picture.unread}, (choose,), True)


def _missing(names: list[str]) -> Finding:
    values = {"first": names[0], "second": names[-1], "others": len(names) - 1}
    if len(names) == 1:
        text = "{first} has no reference picture: the model makes up a look."
    elif len(names) == 2:
        text = "{first} and {second} have no reference picture: the model makes up their looks."
    else:
        text = "{first} and {others} others have no reference picture: the model makes up their looks."
    whose = names[0] if len(names) == 1 else ""
    return Finding(text, values, (Mend("Choose Picture", "isa.choose_picture", {"character": whose}),))


def check_reference_poses(shot: Shot) -> list[Finding]:
    """Whose reference picture does not show the character where it is said to stand."""
    found = []
    for character in shot.characters:
        pose = character.reference
        if pose is None:
            continue
        ndc, in_front = project(pose.points.astype(np.float64), pose.mvp)
        if (in_front & (np.abs(ndc[:, :2]) <= 1).all(-1)).mean() < _GLIMPSE:
            text = "{name} stands outside the reference picture: nothing is seen of the look."
            match = Mend("Match", "isa.match_reference", {"character": character.name})
            found.append(Finding(text, {"name": character.name}, (match,), True))
    return found


def _differ(size: tuple[int, int], frame: tuple[float, float]) -> bool:
    return abs((size[0] / size[1]) / (frame[0] / frame[1]) - 1) > _SHAPE
