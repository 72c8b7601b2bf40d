"""How jobs ended: a record that outlives them, and how far somebody has read in it.

A row is written by the database itself, in the transaction that ends a job (``schema``).
"""

from isa_engine.client.protocol import Ending
from isa_engine.service.queue.database import Database
from isa_engine.service.queue.store import columns

# Endings that are kept: about 20 MB.
KEPT = 100_000
_ENDING = columns(Ending, "history")


class History:
    """The endings in a queue's database."""

    def __init__(self, database: Database):
        self.database = database

    def page(self, owner: str | None, limit: int, before: int | None) -> list[Ending]:
        """How jobs ended, the newest first; None: everyone's; before: older than this one."""
        rows = self.database.read(
            f"SELECT {_ENDING} FROM history WHERE (?1 IS NULL OR owner = ?1) "
            "AND (?2 IS NULL OR number < ?2) ORDER BY number DESC LIMIT ?3",
            *(owner, before, limit),
        )
        return [Ending(*row) for row in rows]

    def after(self, number: int, limit: int) -> list[Ending]:
        """How jobs ended after an ending, the oldest first."""
        rows = self.database.read(
            f"SELECT {_ENDING} FROM history WHERE number > ? ORDER BY number LIMIT ?", number, limit
        )
        return [Ending(*row) for row in rows]

    def last(self) -> int:
        return self.database.read("SELECT coalesce(max(number), 0) FROM history")[0][0]

    def sums(self) -> list[tuple[str, str, int, float, float]]:
        """Of all endings by state and reason: how many, and the seconds that they waited and ran."""
        return self.database.read(
            "SELECT state, reason, count(*), coalesce(sum(started - created), 0), "
            "coalesce(sum(CASE WHEN started IS NULL THEN 0 ELSE finished - started END), 0) "
            "FROM history GROUP BY state, reason ORDER BY state, reason"
        )

    def trim(self) -> None:
        """Forget all but the newest."""
        self.database.run("DELETE FROM history WHERE number <= (SELECT max(number) FROM history) - ?", KEPT)

    def cursor(self, name: str) -> int | None:
        """How far someone has read in a record; None: it has not begun."""
        rows = self.database.read("SELECT number FROM cursors WHERE name = ?", name)
        return rows[0][0] if rows else None

    def set_cursor(self, name: str, number: int) -> None:
        """From here on it is read."""
        self.database.run(
            "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET number = excluded.number",
            *(name, number),
        )
