"""One trial: a fresh database, an application that writes to it, and one contender beside it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig.application.running import writing
from hotmig.bench import module
from hotmig.bench.changes import CHANGES
from hotmig.bench.contenders import MODULES, Job, job_as_text
from hotmig.bench.measured import OURS, Phase, Trial, waits_of
from hotmig.bench.processes import hotmig, python, run
from hotmig.errors import HotmigError
from hotmig.sqlite import connect, execute, quote, value

BEFORE_SECONDS = 1.0  # of the application alone
AFTER_SECONDS = 0.3
PATIENCE_SECONDS = 5.0  # what Python's sqlite3 sets as its busy timeout


@dataclass(frozen=True)
class Setting:
    """What all trials of one change have in common. ``template`` is the database that each starts from; ``pace`` is how
    many seconds the application sleeps between two writes."""

    template: Path
    shape: str
    change: str
    job: Job
    counts: Mapping[str, int]
    pace: float
    env: Mapping[str, str]


def attempt(setting: Setting, contender: str, directory: Path) -> Trial:
    """One trial in a directory of its own, which goes afterwards. A contender that fails has its ``failure``."""
    kind = MODULES[contender][0] if contender in MODULES else "hotmig"
    directory.mkdir()
    try:
        return _beside(setting, contender, kind, directory)
    except (HotmigError, sqlite3.Error) as error:
        if contender == OURS:
            raise  # without it there is nothing to compare
        return Trial(contender, kind, failure=str(error))
    finally:
        shutil.rmtree(directory)


def _beside(setting: Setting, contender: str, kind: str, directory: Path) -> Trial:
    database = directory / module.OLD_FILE
    # By the file alone, which nobody has open.
    shutil.copyfile(setting.template, database)
    (directory / "schema.py").write_text(
        module.schema_module(setting.job.new, with_view=CHANGES[setting.change].view), encoding="utf-8"
    )
    writes = directory / "writes.json"
    writes.write_text(module.writes(setting.job.old, setting.job.new, setting.counts), encoding="utf-8")
    # What the last trial left to the system to write is not this one's.
    os.sync()
    options = ("--writes", str(writes), "--pace", str(setting.pace), "--patience", str(PATIENCE_SECONDS), "--waits")
    with writing(database, *options, "--follow", str(directory)) as application:
        time.sleep(BEFORE_SECONDS)
        trial = _ours(setting, directory) if contender == OURS else _theirs(setting, contender, kind, database)
        time.sleep(AFTER_SECONDS)
        told = application.stop()
    began, ended = trial.phases[0].began, max(phase.ended for phase in trial.phases)
    refused = told["refused_while_paused"] + told["locked_out"] + told["failed"]
    samples = tuple((when, seconds) for when, seconds in told["waits"])
    return replace(trial, waits=waits_of(samples, refused, began, ended), samples=samples)


def _ours(setting: Setting, directory: Path) -> Trial:
    """As a deploy script does it; each command from the start of its process to its end."""
    options = ("--dir", str(directory), "--json")
    migrated = hotmig(setting.env, "migrate", *options)
    drained = hotmig(setting.env, "drain", "--cutover", *options)
    # The pause is told by the wall clock.
    fenced = json.loads(drained.out)["fenced_at"] - time.time() + time.monotonic()
    phases = (
        Phase("migrate", migrated.began, migrated.ended),
        Phase("drain", drained.began, drained.ended),
        Phase("pause", fenced, fenced + json.loads(drained.out)["pause"]),
    )
    seconds = migrated.seconds + drained.seconds
    return Trial(OURS, "hotmig", seconds, migrated.seconds, max(migrated.peak, drained.peak), phases=phases)


def _theirs(setting: Setting, contender: str, kind: str, database: Path) -> Trial:
    job = job_as_text(database, setting.shape, setting.change)
    used = run(python("-m", "hotmig.bench.contenders.child", contender, job), setting.env)
    told = json.loads(used.out)
    _require_rows(setting, contender, kind, Path(told["result"]))
    phase = Phase(contender, told["began"], told["began"] + told["seconds"])
    return Trial(contender, kind, told["seconds"], peak=used.peak, phases=(phase,))


def _require_rows(setting: Setting, contender: str, kind: str, result: Path) -> None:
    """Raises HotmigError where the result has not the new columns, or nothing in them: then no time counts."""
    tables = setting.job.new if kind == "rival" else setting.job.old
    if contender == "file copy with fsync":
        return  # of a file whose log is not copied
    db = connect(result, "ro", patience=PATIENCE_SECONDS)
    try:
        for table in tables:
            execute(
                db, f"SELECT {', '.join(quote(each.name) for each in table.fields)} FROM {quote(table.name)} LIMIT 1"
            )
            found = value(db, f"SELECT count(*) FROM {quote(table.name)}")
            # The application adds and deletes rows of the last table.
            fewest = setting.counts[table.name] // 2 if table is tables[-1] else setting.counts[table.name]
            if found < fewest or (table is not tables[-1] and found > fewest):
                raise HotmigError(f"{contender} left {found:,} rows in {table.name}")
    finally:
        db.close()
