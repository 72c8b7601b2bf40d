"""The queue's tables on PostgreSQL, for API hosts that share them: the same statements, the same rules."""

import errno
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from isa_engine.client.protocol import OVER
from isa_engine.errors import EngineError
from isa_engine.service.queue.schema import HISTORY, LAWFUL, MIGRATIONS, TABLES, VERSION, Unlawful, statements

_TYPES = {
    "INTEGER PRIMARY KEY AUTOINCREMENT": "BIGSERIAL PRIMARY KEY",
    "INTEGER": "BIGINT",
    "REAL": "DOUBLE PRECISION",
    "BLOB": "BYTEA",
}
# Keys of advisory locks: of whole transactions, and of the record of events.
_TRANSACTION, _EVENTS = 715001, 715002
# Events are numbered and committed in one order, or whoever reads after the last number would miss some.
_RULES = (
    """
CREATE OR REPLACE FUNCTION lawful() RETURNS trigger AS $$ BEGIN
    IF OLD.state <> NEW.state AND NOT EXISTS (
        SELECT 1 FROM transitions WHERE source = OLD.state AND target = NEW.state
    ) THEN RAISE EXCEPTION 'this change of state is not allowed'; END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql""",
    f"""
CREATE OR REPLACE FUNCTION only_what_is_over_goes() RETURNS trigger AS $$ BEGIN
    IF OLD.state NOT IN {OVER}
    THEN RAISE EXCEPTION 'a job that is not over cannot be deleted'; END IF;
    DELETE FROM events WHERE job = OLD.id;
    DELETE FROM results WHERE job = OLD.id;
    INSERT INTO removals VALUES (OLD.id);
    RETURN OLD;
END $$ LANGUAGE plpgsql""",
    f"""
CREATE OR REPLACE FUNCTION changed() RETURNS trigger AS $$ BEGIN
    IF TG_OP = 'INSERT' OR (OLD.state, OLD.phase, OLD.step, OLD.steps, OLD.previews, OLD.error)
        IS DISTINCT FROM (NEW.state, NEW.phase, NEW.step, NEW.steps, NEW.previews, NEW.error)
    THEN
        PERFORM pg_advisory_xact_lock({_EVENTS});
        INSERT INTO events (job, state, phase, step, steps, previews, error)
        VALUES (NEW.id, NEW.state, NEW.phase, NEW.step, NEW.steps, NEW.previews, NEW.error);
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state <> NEW.state AND NEW.state IN {OVER}
    THEN {HISTORY}; END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql""",
    "CREATE OR REPLACE TRIGGER lawful BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION lawful()",
    "CREATE OR REPLACE TRIGGER only_what_is_over_goes BEFORE DELETE ON jobs "
    "FOR EACH ROW EXECUTE FUNCTION only_what_is_over_goes()",
    "CREATE OR REPLACE TRIGGER changed AFTER INSERT OR UPDATE ON jobs "
    "FOR EACH ROW EXECUTE FUNCTION changed()",
)


class Postgres:
    """One connection, taken up again where it was lost; a read waits its turn like everyone.

    Args:
        url: ``postgresql://user@host/database``; a password belongs in libpq's own places, such as
            ``PGPASSFILE``.
        own: as of ``database.Database``.

    Raises:
        EngineError: it cannot be reached, or is of another version of the engine.
    """

    instant = False

    def __init__(self, url: str, own: bool = False):
        self._url, self._lock = url, threading.RLock()
        host = host_of(url)
        try:
            self._connection = self._connect()
        except psycopg.OperationalError as error:
            raise EngineError(f"the queue's database cannot be reached: {error}", where=host) from error
        with self.transaction():
            found = self.run("SELECT to_regclass('queue_version')::text")[0][0]
            version = self.run("SELECT number FROM queue_version")[0][0] if found else None
            if version != VERSION:
                self._prepare(version, own)

    def close(self) -> None:
        self._connection.close()

    def run(self, statement: str, *values) -> list[tuple]:
        """As ``Database.run``."""
        with self._lock:
            try:
                if self._connection.closed:
                    self._connection = self._connect()
                # A statement may name a value by its number more than once.
                named = {f"v{k}": value for k, value in enumerate(values, 1)}
                marks = iter(named)
                text = re.sub(r"\?(\d*)", lambda mark: _mark(mark[1], marks), statement)
                cursor = self._connection.execute(text, named)
                return cursor.fetchall() if cursor.description else []
            except (psycopg.errors.RaiseException, psycopg.IntegrityError) as error:
                raise Unlawful(str(error)) from error
            except psycopg.errors.DiskFull as error:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            except psycopg.OperationalError as error:
                raise OSError(errno.EIO, os.strerror(errno.EIO)) from error

    def read(self, statement: str, *values) -> list[tuple]:
        """As ``Database.read``."""
        return self.run(statement, *values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As ``Database.transaction``."""
        with self._lock:
            self.run("BEGIN")
            try:
                self.run("SELECT pg_advisory_xact_lock(?)", _TRANSACTION)
                yield
                self.run("COMMIT")
            except BaseException:
                if not self._connection.closed:
                    self.run("ROLLBACK")
                raise

    def _connect(self) -> psycopg.Connection:
        # Values are put into the text by the client: the statements do not say of what type NULL is.
        return psycopg.connect(self._url, autocommit=True, cursor_factory=psycopg.ClientCursor)

    def _prepare(self, version: int | None, own: bool) -> None:
        """Make the tables, or bring those of a version before to this one."""
        if version is not None and not (own and version in MIGRATIONS):
            remedy = (
                "Give this version a database of its own, or start its engine on that of the version before."
            )
            raise EngineError("the queue is of another version of the engine", remedy=remedy)
        steps = [] if version is None else [MIGRATIONS[each] for each in range(version, VERSION)]
        for script in (*steps, TABLES):
            for ours, theirs in _TYPES.items():
                script = script.replace(ours, theirs)
            for statement in statements(script):
                self.run(statement)
        for rule in _RULES:
            self.run(rule)
        self.run("DELETE FROM transitions")
        for pair in LAWFUL:
            self.run("INSERT INTO transitions VALUES (?, ?)", *pair)
        self.run("CREATE TABLE IF NOT EXISTS queue_version (number BIGINT)")
        self.run("DELETE FROM queue_version")
        self.run("INSERT INTO queue_version VALUES (?)", VERSION)


def host_of(url: str) -> str:
    """The host of a queue's database.

    Raises:
        EngineError: the address cannot be read. It is not quoted: it may hold a password, and what cannot be
            read does not tell where.
    """
    try:
        host = psycopg.conninfo.conninfo_to_dict(url).get("host", "localhost")
    except psycopg.ProgrammingError:
        host = "@"
    if "@" in host:
        remedy = "Write it as postgresql://user@host/database; a password belongs in PGPASSFILE."
        # Not with its cause, which quotes it.
        raise EngineError("the address of the queue's database cannot be read", remedy=remedy) from None
    return host


def _mark(number: str, marks: Iterator[str]) -> str:
    return f"%(v{number})s" if number else f"%({next(marks)})s"
