"""The queue's tables, and what the database itself sees to: lawful changes of state, an event for each.

A row of ``events`` is written by a trigger in the same transaction as the change it tells of, so that no
event can be missing or tell of what did not happen. In the same way every end of a job leaves a row in
``history``, which outlives the job, and a job that is deleted one in ``removals``, until its files are gone.
"""

import sqlite3
from collections.abc import Iterator

from isa_engine.client.protocol import OVER, TRANSITIONS

VERSION = 5
TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL DEFAULT '',
    idempotency_key TEXT,
    shot TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'queued',
    cancelling INTEGER NOT NULL DEFAULT 0,
    worker INTEGER,
    attempt INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,
    checkpoint INTEGER NOT NULL DEFAULT 0,
    interrupted_at INTEGER NOT NULL DEFAULT -1,
    interruptions INTEGER NOT NULL DEFAULT 0,
    hindered INTEGER NOT NULL DEFAULT 0,
    avoids INTEGER,
    phase TEXT NOT NULL DEFAULT '',
    step INTEGER NOT NULL DEFAULT 0,
    steps INTEGER NOT NULL DEFAULT 0,
    previews INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    name TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    kept_since REAL,
    UNIQUE (owner, idempotency_key)
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, owner, priority, number);
CREATE TABLE IF NOT EXISTS turns (owner TEXT PRIMARY KEY, turn INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS bytes_by_owner ON jobs (owner, bytes);
CREATE TABLE IF NOT EXISTS results (
    job TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (job, name)
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL, state TEXT NOT NULL, phase TEXT NOT NULL, step INTEGER NOT NULL,
    steps INTEGER NOT NULL, previews INTEGER NOT NULL, error TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_job ON events (job, number);
CREATE TABLE IF NOT EXISTS transitions (source TEXT, target TEXT, PRIMARY KEY (source, target));
CREATE TABLE IF NOT EXISTS workers (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, device TEXT NOT NULL,
    memory_free INTEGER, memory_total INTEGER, trouble TEXT NOT NULL DEFAULT '',
    beat INTEGER NOT NULL DEFAULT 0, seen REAL NOT NULL DEFAULT 0, blamed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS history (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, comment TEXT NOT NULL, state TEXT NOT NULL,
    reason TEXT NOT NULL, error TEXT NOT NULL, priority INTEGER NOT NULL, attempt INTEGER NOT NULL,
    created REAL NOT NULL, started REAL, finished REAL
);
CREATE INDEX IF NOT EXISTS history_by_owner ON history (owner, number);
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS removals (job TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS strays (upload TEXT PRIMARY KEY, since REAL NOT NULL);
CREATE TABLE IF NOT EXISTS clock (number INTEGER PRIMARY KEY, age REAL NOT NULL, wall REAL NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL, scopes TEXT NOT NULL,
    created REAL NOT NULL, revoked REAL
);
"""
HISTORY = """INSERT INTO history
    (job, owner, name, comment, state, reason, error, priority, attempt, created, started, finished)
    VALUES (NEW.id, NEW.owner, NEW.name, NEW.comment, NEW.state, NEW.reason, NEW.error, NEW.priority,
    NEW.attempt, NEW.created, NEW.started, NEW.finished)"""
TRIGGERS = f"""
CREATE TRIGGER IF NOT EXISTS lawful BEFORE UPDATE OF state ON jobs
WHEN OLD.state <> NEW.state
    AND NOT EXISTS (SELECT 1 FROM transitions WHERE source = OLD.state AND target = NEW.state)
BEGIN SELECT RAISE(ABORT, 'this change of state is not allowed'); END;
CREATE TRIGGER IF NOT EXISTS only_what_is_over_goes BEFORE DELETE ON jobs
WHEN OLD.state NOT IN {OVER}
BEGIN SELECT RAISE(ABORT, 'a job that is not over cannot be deleted'); END;
CREATE TRIGGER IF NOT EXISTS gone AFTER DELETE ON jobs
BEGIN DELETE FROM events WHERE job = OLD.id; DELETE FROM results WHERE job = OLD.id;
    INSERT INTO removals VALUES (OLD.id); END;
CREATE TRIGGER IF NOT EXISTS ended AFTER UPDATE OF state ON jobs
WHEN OLD.state <> NEW.state AND NEW.state IN {OVER}
BEGIN {HISTORY}; END;
CREATE TRIGGER IF NOT EXISTS came AFTER INSERT ON jobs
BEGIN INSERT INTO events (job, state, phase, step, steps, previews, error)
    VALUES (NEW.id, NEW.state, NEW.phase, NEW.step, NEW.steps, NEW.previews, NEW.error); END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE ON jobs
WHEN (OLD.state, OLD.phase, OLD.step, OLD.steps, OLD.previews, OLD.error)
    IS NOT (NEW.state, NEW.phase, NEW.step, NEW.steps, NEW.previews, NEW.error)
BEGIN INSERT INTO events (job, state, phase, step, steps, previews, error)
    VALUES (NEW.id, NEW.state, NEW.phase, NEW.step, NEW.steps, NEW.previews, NEW.error); END;
"""
# From each earlier version to the next. Tables that are new, triggers and the lawful changes are made anyway.
MIGRATIONS = {
    2: """
ALTER TABLE jobs ADD COLUMN kept_since REAL;
ALTER TABLE jobs ADD COLUMN hindered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN avoids INTEGER;
ALTER TABLE workers ADD COLUMN trouble TEXT NOT NULL DEFAULT '';
ALTER TABLE workers ADD COLUMN beat INTEGER NOT NULL DEFAULT 0;
CREATE TABLE turns (owner TEXT PRIMARY KEY, turn INTEGER NOT NULL);
INSERT INTO turns SELECT owner, max(turn) FROM jobs GROUP BY owner;
DROP INDEX IF EXISTS jobs_by_owner;
DROP INDEX IF EXISTS jobs_by_turn;
ALTER TABLE jobs DROP COLUMN turn;
""",
    3: """
ALTER TABLE jobs ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN comment TEXT NOT NULL DEFAULT '';
ALTER TABLE workers ADD COLUMN seen REAL NOT NULL DEFAULT 0;
ALTER TABLE workers ADD COLUMN blamed INTEGER NOT NULL DEFAULT 0;
""",
    4: "",
}
LAWFUL = [(source, target) for source, targets in TRANSITIONS.items() for target in targets]


class Unlawful(Exception):
    """What the database's own rules do not allow."""


def statements(script: str) -> Iterator[str]:
    """The statements of a script, where a trigger's body is part of its statement."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
