"""This Blender's session: there is one."""

from .session import Session

_session: Session | None = None


def session() -> Session:
    """This Blender's session."""
    global _session
    if _session is None:
        _session = Session()
    return _session


def begin(session: Session) -> Session:
    """Let this Blender's session be another one."""
    global _session
    close()
    _session = session
    return session


def close() -> None:
    """End this Blender's session."""
    global _session
    if _session is not None:
        _session.close()
    _session = None
