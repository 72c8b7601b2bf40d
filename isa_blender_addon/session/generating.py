"""What a scene is read for: its plate, its findings, or something else than the engine.

Each begins the session's one reading; what has come of the reading before it is forgotten.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from isa_engine.geometry.frames import Made
from isa_engine.shot import Shot

from ..preflight.finding import hold
from ..preflight.glance import glance
from ..takes.files import discard_folder
from ..takes.folders import new_take
from .progress.expected import reading_seconds
from .reading.reading import Reading
from .session import Session


def generate(
    session: Session,
    scene,
    anyway: bool = False,
    folder: Path | None = None,
    keep: Callable[[Shot], Shot] = lambda shot: shot,
    made: tuple[Made, ...] = (),
) -> Reading:
    """Begin to read a scene for the engine, which starts meanwhile; the reading submits the shot.

    Where a glance tells enough to hold it, the reading is over at once.

    Args:
        anyway: also where a finding is serious.
        folder: of the take, empty; by default a new one beside the file.
        keep: gives the shot what it keeps of an earlier take.
        made: the segments of which something is made then, as far as is known before frames are read.

    Raises:
        IsaError: the scene, the output folder or the engine is not ready; nothing is left behind.
    """
    session.begin(scene, send=True)
    if not anyway and hold(glance(scene, session.engine.health)):
        session.reading = Reading(scene, held=True)
        return session.reading
    session.start_engine()
    take = folder or new_take(scene)

    def receive(now, shot: Shot) -> None:
        session.submit(now, shot, take)

    ahead, drop = expected(session, scene, made), partial(discard_folder, take)
    session.reading = Reading(scene, receive, anyway, drop, ahead=ahead, keep=keep)
    return session.reading


def check(session: Session, scene) -> Reading:
    """Begin to read a scene for its findings.

    Raises:
        IsaError: the scene is not ready.
    """
    session.begin(scene, send=False)
    session.reading = Reading(scene, ahead=reading_seconds(scene, False))
    return session.reading


def read(
    session: Session,
    scene,
    receive: Callable[[Shot], str],
    keep: Callable[[Shot], Shot] = lambda shot: shot,
) -> Reading:
    """Begin to read a scene for something else than the engine, whatever is found.

    Args:
        receive: takes the shot, and gives a sentence on what has become of it.
        keep: as of ``generate``.

    Raises:
        IsaError: the scene is not ready.
    """
    session.begin(scene, send=True)

    def tell(now, shot: Shot) -> None:
        session.say(receive(shot), now)

    session.reading = Reading(scene, tell, anyway=True, ahead=reading_seconds(scene, True), keep=keep)
    return session.reading


def expected(session: Session, scene, made: tuple[Made, ...] = ()) -> dict[str, float]:
    """Seconds of each phase from a click on *Generate* to the plate in the scene; ``made`` as of
    ``generate``."""
    ahead = {"queue": session.courses.ahead}
    return reading_seconds(scene, True) | session.job_seconds(scene, made) | ahead
