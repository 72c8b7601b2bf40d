"""The queue's database: a file of this machine, or one that hosts share."""

import os
from contextlib import AbstractContextManager

from isa_engine.service.queue.sqlite import SQLite


class Database:
    """The queue's tables; safe between threads and between processes.

    Args:
        where: a file on a disk of this machine, for SQLite; or ``postgresql://…``, for hosts that share it.
        create: make the queue if there is none.
        own: look through it for damage, and bring a queue of the version before to this one; for whoever has
            it alone.

    Attributes:
        instant: ``read`` answers out of memory, and waits for nobody's transaction.

    Raises:
        EngineError: it is of another version of the engine, damaged, missing, or out of reach.
    """

    def __init__(self, where: str | os.PathLike, create: bool = True, own: bool = False):
        if str(where).startswith("postgresql://"):
            from isa_engine.service.queue.postgres import Postgres

            self.driver = Postgres(str(where), own)
        else:
            self.driver = SQLite(where, create, own)
        self.instant = self.driver.instant

    def close(self) -> None:
        self.driver.close()

    def run(self, statement: str, *values) -> list[tuple]:
        """The rows of one statement, in the SQL that both databases speak, with ``?`` for values.

        Raises:
            OSError: the disk is full or fails, or the database is locked, damaged or out of reach.
            Unlawful: a rule of the database stands against it.
        """
        return self.driver.run(statement, *values)

    def read(self, statement: str, *values) -> list[tuple]:
        """The rows of a SELECT as of what is committed; raises as ``run``."""
        return self.driver.read(statement, *values)

    def transaction(self) -> AbstractContextManager[None]:
        """All statements within, or none of them; nobody else's in between."""
        return self.driver.transaction()
