"""Boxes that leave little of the set."""

from isa_engine.controls.coverage import covered_by_boxes
from isa_engine.models import Description
from isa_engine.shot import Shot

from .finding import Finding, Mend


def check_set_kept(shot: Shot, model: Description) -> list[Finding]:
    """Whether most of the picture is within a box about somebody: there the background is painted anew."""
    share = covered_by_boxes(shot, model.painted)
    if share is None:
        return []
    text = "Boxes cover {share:.0%} of the picture: little of the background is kept."
    return [Finding(text, {"share": share}, (Mend("Paint Bodies", "isa.paint_bodies"),))]
