"""Pictures that are missing, or do not show what they are said to, are named."""

from dataclasses import replace

import numpy as np

from isa_blender_addon.preflight.references import CastPicture, check_pictures, check_reference_poses
from isa_engine.shot import ReferencePose
from tests.addon.preflight.balls import shot, still


def test_pictures_that_are_missing_or_do_not_match_are_named():
    fits = CastPicture("Anna", (640, 360), (1920.0, 1080.0))
    assert check_pictures([fits, CastPicture("Dan", (300, 500), None, error=3.0, figure=200)]) == []
    (missing,) = check_pictures([CastPicture("Ben", None, (16, 9))])
    assert missing.sentence == "Ben has no reference picture: the model makes up a look."
    (several,) = check_pictures([CastPicture(name, None, (16, 9)) for name in ("Ben", "Cleo", "Dan", "Eve")])
    assert several.sentence == "Ben and 3 others have no reference picture: the model makes up their looks."
    (shape,) = check_pictures([CastPicture("Ben", (600, 800), (16, 9))])
    assert "600×800" in shape.sentence
    (unmatched,) = check_pictures([CastPicture("Ben", (600, 800), None, matched=False)])
    assert unmatched.sentence == "Ben is not matched to the reference picture."
    (off,) = check_pictures([CastPicture("Ben", (600, 800), None, error=41.0, figure=700)])
    assert "41 pixels off" in off.sentence
    # Of a small figure in a large picture a few pixels are much.
    (small,) = check_pictures([CastPicture("Ben", (600, 800), None, error=5.0, figure=100)])
    assert "5 pixels off" in small.sentence
    (unposed,) = check_pictures([CastPicture("Ben", (600, 800), None, posed=False, error=1.0, figure=700)])
    assert unposed.serious
    assert "Nobody has posed Ben's stand-in" in unposed.sentence
    assert {f.mends[0].operator for f in (shape, unmatched, off, unposed)} == {"isa.match_reference"}
    assert missing.mends[0].operator == "isa.choose_picture"


def test_a_picture_that_is_stored_turned_holds_the_shot_unless_a_stand_in_was_posed_on_it():
    """Where its character is looked for, there is somebody's back or the wall."""
    seen = CastPicture("Anna", (160, 90), None, turned=True)
    for picture, held in (
        (seen, False),
        (replace(seen, matched=False), True),
        (replace(seen, posed=False), True),
        (replace(seen, other=True), True),
        (replace(seen, frame_shape=(16, 9)), True),
    ):
        (found,) = check_pictures([picture])
        assert "stored turned" in found.sentence
        assert found.serious == held


def test_a_reference_that_shows_nothing_of_its_character_is_named():
    staged = shot({"Anna": still((0, 0, 1))})
    (anna,) = staged.characters
    for offset, count in ((0, 0), (5, 1)):
        pose = ReferencePose(0, anna.points[0] + np.float32([offset, 0, 0]), staged.mvp[0])
        cast = (replace(anna, reference=pose),)
        assert len(check_reference_poses(replace(staged, characters=cast))) == count
