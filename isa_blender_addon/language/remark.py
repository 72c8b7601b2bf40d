"""A sentence for the artist, shown where and as long as it is true."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Remark:
    """What the panel says.

    Attributes:
        text: the sentence; empty: nothing.
        scene: number of the scene (``session_uid``) that it is about; None: it is about all.
        about: looks at the scene and gives what the sentence depends on.
        then: what that was when it was said: where it has changed, the sentence is not true any more.
    """

    text: str = ""
    scene: int | None = None
    about: Callable[[Any], object] | None = None
    then: object = None

    def shown(self, scene) -> str:
        """The sentence as long as it is true, in this scene; else empty."""
        if not self.text or self.scene not in (None, scene.session_uid):
            return ""
        return self.text if self.about is None or self.about(scene) == self.then else ""


def remark(text: str, scene=None, about: Callable[[Any], object] | None = None) -> Remark:
    """A sentence that is true now.

    Args:
        scene: it is about; None: about no scene or all.
        about: as of ``Remark``.
    """
    where = scene.session_uid if scene else None
    return Remark(text, where, about, about(scene) if about else None)
