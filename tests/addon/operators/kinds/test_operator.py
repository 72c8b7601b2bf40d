"""What an operator says where it cannot work."""

import pytest

from isa_blender_addon.operators.kinds.operator import Operator
from isa_engine.errors import SceneError


class Failing(Operator):
    """Notes what it reports."""

    def __init__(self, problem: str):
        self.problem, self.reported = problem, []

    def run(self, context):
        raise SceneError(self.problem, where="shot", remedy="Look.")

    def report(self, level, text):
        self.reported.append((level, text))


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("no detector is installed", "No detector is installed"),
        ("'nonsense' is not an address", "'nonsense' is not an address"),
        ("plate.mp4 does not come whole", "plate.mp4 does not come whole"),
        ("isa-4b is not here", "isa-4b is not here"),
        ("/tmp/a.blend is gone", "/tmp/a.blend is gone"),
        ("3 frames are too many", "3 frames are too many"),
    ],
)
def test_blender_reports_a_sentence_and_spells_names_as_they_are(problem, said):
    operator = Failing(problem)
    assert operator.execute(None) == {"CANCELLED"}
    assert operator.reported == [({"ERROR"}, f"{said} (shot). Look.")]
