"""Tokens: who may speak to the engine. Stored hashed, compared in constant time, scoped and revocable.

A token reads ``isa_ID_SECRET``. Its id is no secret: it finds the row, owns jobs and may stand in a log. The
secret has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from isa_engine.client.protocol import MAX_NAME, SCOPES
from isa_engine.errors import EngineError
from isa_engine.service.queue.database import Database

# Jobs sent with the token that the engine was started with.
OWNER = ""


@dataclass(frozen=True)
class Caller:
    """Whose token it is.

    Attributes:
        id: owns the jobs that come with it.
        scopes: of ``protocol.SCOPES``.
    """

    id: str
    scopes: tuple[str, ...]

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True)
class TokenInfo:
    """A stored token, without its secret.

    Attributes:
        created, revoked: seconds since 1970; None: still good.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    created: float
    revoked: float | None


class Tokens:
    """The tokens in the queue's file, and the one that the engine was started with.

    Args:
        main: with all scopes; None: only stored tokens are good.
    """

    def __init__(self, database: Database, main: str | None = None):
        self.database = database
        # Digests have one length, so a comparison takes the same time whatever the token.
        self._main = None if main is None else _digest(f"Bearer {main}".encode())

    def caller(self, authorization: bytes) -> Caller | None:
        """Whose header this is; None: nobody's."""
        # A scheme is the same in any case, and any spaces may follow it (RFC 9110, section 11).
        scheme, _, shown = authorization.partition(b" ")
        if scheme.lower() == b"bearer":
            authorization = b"Bearer " + shown.lstrip(b" ")
        if self._main is not None and hmac.compare_digest(_digest(authorization), self._main):
            return Caller(OWNER, ("admin",))
        identity, _, secret = authorization.removeprefix(b"Bearer isa_").partition(b"_")
        rows = self.database.read(
            "SELECT id, digest, scopes FROM tokens WHERE id = ? AND revoked IS NULL",
            identity.decode(errors="replace"),
        )
        # Unknown ids are compared with something, too: otherwise the time of the answer would tell which ids
        # exist.
        found, expected, scopes = rows[0] if rows else ("", bytes(32), "")
        right = hmac.compare_digest(_digest(b"Bearer isa_" + identity + b"_" + secret), expected)
        whole = authorization == b"Bearer isa_" + identity + b"_" + secret
        return Caller(found, tuple(scopes.split())) if right and whole and rows else None

    def good(self, caller: Caller) -> bool:
        """Whether the token of a caller who came in still opens anything."""
        if caller.id == OWNER:
            return self._main is not None
        rows = self.database.read("SELECT 1 FROM tokens WHERE id = ? AND revoked IS NULL", caller.id)
        return bool(rows)

    def revoked(self) -> int:
        """How many were revoked so far."""
        return self.database.read("SELECT count(*) FROM tokens WHERE revoked IS NOT NULL")[0][0]

    def add(self, name: str, scopes: tuple[str, ...]) -> str:
        """A fresh token; it is told this once.

        Raises:
            EngineError: there is no such scope, or the name is none.
        """
        if not name.isprintable() or not 0 < len(name) <= MAX_NAME:
            raise EngineError(
                "this is no name for a token", remedy=f"Use 1 to {MAX_NAME} letters on one line."
            )
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise EngineError(f"there is no scope '{' '.join(unknown)}'", remedy=f"Use {', '.join(SCOPES)}.")
        identity = secrets.token_hex(6)
        token = f"isa_{identity}_{secrets.token_urlsafe(32)}"
        self.database.run(
            "INSERT INTO tokens (id, name, digest, scopes, created) VALUES (?, ?, ?, ?, ?)",
            *(identity, name, _digest(f"Bearer {token}".encode()), " ".join(scopes), time.time()),
        )
        return token

    def list(self) -> list[TokenInfo]:
        rows = self.database.read(
            "SELECT id, name, scopes, created, revoked FROM tokens ORDER BY created, id"
        )
        return [TokenInfo(row[0], row[1], tuple(row[2].split()), *row[3:]) for row in rows]

    def revoke(self, identity: str) -> None:
        """From now on the token opens nothing; its jobs stay.

        Raises:
            EngineError: there is no such token.
        """
        rows = self.database.run(
            "UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE id = ? RETURNING id",
            *(time.time(), identity),
        )
        if not rows:
            raise EngineError(f"there is no token '{identity}'", remedy="See isa-engine token list.")


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
