"""What someone should look at, and the command to run next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hotmig import project
from hotmig.capture.clock import SLACK_SECONDS, clock_set
from hotmig.capture.fence import fence_state
from hotmig.phases.standing import BUILDING, IDLE, Pair, Phase, began, built, elsewhere, recording_ancestors
from hotmig.phases.survey import CUT_SHORT, EMPTY, LOCKED, DatabaseFile, Survey

if TYPE_CHECKING:
    from hotmig.phases.last_run import LastRun

FENCED = "the fence is up: the application's writes are refused"
UNFINISHED = (EMPTY, CUT_SHORT)  # what a killed process can leave, and the next command mends
NEXT: dict[Phase, str | None] = {
    "none": "hotmig plan",
    "ready": None,
    "copying": "hotmig migrate",
    "recording": "hotmig drain",
    "draining": "hotmig drain",
    "lapsed": "hotmig drain",
    "drained": "hotmig cutover",
    "half-cut": "hotmig cutover",
    "retired": "hotmig cleanup-old",
}


def next_command(seen: Survey, pair: Pair, phase: Phase) -> str | None:
    """The command to run next, None where there is none."""
    if pair.newer or _elsewhere(seen, pair):
        return None  # all but status refuse
    if pair.data_runs and not pair.changed_by_hand:
        return "hotmig data run"  # the old database may be what it takes to mend one that failed
    if pair.old is None:
        return _next_without_old(seen, pair, phase)
    if phase == "none" and seen.orphan:
        return "hotmig reset"
    if phase == "retired" and not pair.in_service:
        return None
    if _is_unknown(pair.new):
        return None  # how far it is can't be seen: a full disk must not look like a copy to be begun again
    if pair.changed_by_hand:
        return "hotmig plan"
    if phase in ("draining", "lapsed") and built(pair.new) == "copying":
        return NEXT["copying"]  # migrate --offline was killed, or the new file is gone
    if phase == "drained" and _is_to_be_drained_again(pair):
        return "hotmig drain"
    return NEXT[phase]


def _next_without_old(seen: Survey, pair: Pair, phase: Phase) -> str | None:
    if _old_cut_short(seen, pair):
        return NEXT[phase]  # whatever works on the old database rolls it back first
    if phase in BUILDING:
        return None  # nothing can go on without the old database
    if phase == "none" and any(file.problem for file in seen.files):
        return None  # what is named like the database comes first: init would refuse, and rightly
    if phase == "none":
        if len(seen.strangers) == 1:
            return f"hotmig init {seen.strangers[0].name}"
        has_module = pair.schema_hash is not None or project.schema_file(seen.directory, None).exists()
        return "hotmig init" if has_module else "hotmig init APP.DB"
    if _is_unknown(pair.new):
        return None
    return "hotmig plan" if pair.changed_by_hand else NEXT[phase]


def attention(seen: Survey, pair: Pair, phase: Phase) -> Iterator[str]:
    """What someone should look at, one sentence each."""
    yield from _fence(pair, phase)
    there = _elsewhere(seen, pair)
    if there is not None and pair.old:
        done = "was" if pair.old.retired else "is being"
        yield f"{pair.old.path.name} {done} migrated in {there}, which has the same file: go on there, -d {there}"
        yield from _archives(seen, phase)
        return
    if pair.marker and began(pair.marker) > time.time() + SLACK_SECONDS:
        yield f"the migration began at {pair.marker.started_utc}, which is not yet: the clock was set back"
    if phase == "half-cut":
        gaps = _gaps(pair)
        writes = f"the old database accepts writes into {gaps}" if gaps else "neither database accepts writes"
        yield f"a cutover was cut in two: {writes}"
    if phase == "retired" and not pair.in_service:
        yield f"{pair.new_path} replaced the old database and {_why_gone(pair.new)}"
    if pair.old is None and phase in BUILDING and not _old_cut_short(seen, pair):
        yield _why_no_old(seen, pair)
    if pair.marker and pair.old and pair.old.recording and not pair.in_service and _is_missing(pair):
        is_directory = pair.new_path is not None and pair.new_path.is_dir()
        what = "is a directory: move it away" if is_directory else "is not there"
        yield f"the new database {pair.marker.target} {what}"
    if pair.marker and pair.old and pair.old.recording and _is_unknown(pair.new):
        yield f"{pair.marker.target} can't be read: how far it is, and what is next, is known when it can"
    yield from _odd_module(pair)
    yield from _odd_files(seen, pair, phase)


def _elsewhere(seen: Survey, pair: Pair) -> Path | None:
    return elsewhere(pair.old.migrated_in, pair.old.path, seen.directory) if pair.old else None


def _is_missing(pair: Pair) -> bool:
    """Whether nobody has begun to make the new file."""
    unfinished = project.unfinished_files(pair.new_path) if pair.new_path is not None else ()
    return pair.new is None and not any(path.exists() for path in unfinished)


def _fence(pair: Pair, phase: Phase) -> Iterator[str]:
    clock = clock_set(pair.marker) if pair.marker else None
    gaps = _gaps(pair)
    if phase in ("draining", "drained"):
        yield f"the fence has gaps: it lets writes into {gaps}" if gaps else FENCED
        if clock:
            yield f"{clock} since then, and the fence goes by the clock"
    if phase == "lapsed" and not (pair.old and pair.old.writes_fail):
        why = f" because {clock}" if clock else ""
        yield f"the fence lapsed before the cutover{why}: writes flow again, and are recorded"


def ended_badly(run: LastRun | None) -> Iterator[str]:
    """What someone should look at where a run of a migration under way did not come to its end, and none settled it."""
    if run is not None:
        why = run.error or "its process died, or could not write down how it ended"
        yield f"`hotmig {run.command}` (run {run.run_id}) did not come to its end: {why}"


def stands_still(phase: Phase) -> Iterator[str]:
    """What someone should look at where no command is at work: in these phases one should be."""
    if phase == "copying":
        yield "no command is at work: the copy stands still until one is run, and the log grows"
    if phase == "draining":
        yield "no command is at work: nobody replays the rest, and writes are refused until the fence lapses"


def _odd_module(pair: Pair) -> Iterator[str]:
    """What the schema module says that does not go with the databases."""
    yield from pair.edited
    if pair.newer:
        yield f"{pair.newer}: all other commands refuse that"
    if pair.earlier:
        yield (
            f"the schema module asks for {pair.earlier}, which was replaced: the schema went back to an earlier one,"
            " and `hotmig plan` and `hotmig migrate` refuse that"
        )


def _odd_files(seen: Survey, pair: Pair, phase: Phase) -> Iterator[str]:
    """Files that are not what they should be, or should not be there."""
    if pair.changed_by_hand and pair.new:
        yield f"{pair.new.path.name} has another schema than its name and the module say: it was changed by hand"
    if seen.orphan and pair.old:
        yield f"{seen.orphan.path.name} is unfinished, and no database here is recorded for it"
    yield from _archives(seen, phase)
    others = [file.path.name for file in seen.live if file not in (pair.old, pair.new)]
    if others:
        yield f"more than one file could be the live database: {', '.join(others)} too"
    if pair.marker and _is_to_be_built_again(pair):
        yield f"{pair.marker.target} is no database any more: move it away, and `hotmig migrate` builds it again"
    told = _is_to_be_built_again(pair) or (phase == "copying" and pair.new and pair.new.problem in UNFINISHED)
    for file in seen.files:
        if file.problem and not (told and file is pair.new):
            yield f"{file.path.name}: {file.problem}"


def _archives(seen: Survey, phase: Phase) -> Iterator[str]:
    """Files that were replaced, and that somebody has opened since."""
    for file in recording_ancestors(seen):
        once = " once its fence lapses" if fence_state(file.marker, time.time()).is_up else ""
        yield f"{file.path.name} was replaced, but put back from a backup: it accepts writes{once}"
    for file in seen.files:
        if file.leftovers and file.path.name in seen.ancestors:
            then = ", on which every write to it fails" if file.writes_fail else ""
            yield f"{file.path.name} was replaced, and has triggers of hotmig without their marker{then}"
        if file.retired and file.unfenced and phase != "half-cut":
            yield f"{file.path.name} was replaced, but lost its fence: it accepts writes into {_tables(file.unfenced)}"


def _gaps(pair: Pair) -> str:
    """The tables that the old database's fence lets writes into."""
    return _tables(pair.old.unfenced) if pair.old else ""


def _tables(names: tuple[str, ...]) -> str:
    """The first few of these tables, and how many more there are."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _why_no_old(seen: Survey, pair: Pair) -> str:
    if any(file.problem == LOCKED for file in seen.files):
        return f"the old database can't be read: {LOCKED}; ask again"
    if any(file.problem for file in seen.files if file is not pair.new):
        return "the old database can't be read: nothing can go on until it can"
    return "the old database is not there: nothing can go on until it is put back"


def _why_gone(new: DatabaseFile | None) -> str:
    if new is None:
        return "is not there: put it back; if it never was in service, `hotmig cleanup-old --unfence` opens the old one"
    is_lost = new.broken or new.problem == EMPTY
    return "is no database any more: put it back from a backup" if is_lost else "can't be looked at"


def _is_to_be_built_again(pair: Pair) -> bool:
    """Whether the file that is being built was damaged or overwritten: nothing of the application's is in it."""
    return pair.new is not None and pair.new.broken and pair.old is not None and pair.old.recording


def _is_to_be_drained_again(pair: Pair) -> bool:
    """Whether `cutover` is going to ask for another drain: writes got in, or somebody's DDL may have let them."""
    marker, old, progress = pair.marker, pair.old, pair.new.progress if pair.new else None
    if marker is None or old is None or progress is None:
        return False
    same = (old.schema_version, old.log_entries, marker.fence_from)
    return same != (marker.schema_version, progress.last_replayed_log_id, progress.fence_from) or bool(old.unfenced)


def _is_unknown(new: DatabaseFile | None) -> bool:
    """Whether something outside keeps the file that is being built from being read."""
    return new is not None and new.problem is not None and not new.broken and new.problem not in UNFINISHED


def _old_cut_short(seen: Survey, pair: Pair) -> bool:
    """Whether a file that may be the old database can't be read, because a killed process was committing to it."""
    return any(file.problem == CUT_SHORT and file is not pair.new for file in seen.files)


def broken_by(pair: Pair, schema_file: Path) -> Iterator[str]:
    """What a migration can't go on after, one sentence each: only a reset helps."""
    old, marker, new = pair.old, pair.marker, pair.new
    if old is not None and old.leftovers and not pair.in_service:
        then = "every write to it fails" if old.writes_fail else "writes go on, and nobody will replay them"
        yield f"{old.path.name} has triggers of hotmig without their marker: {then}"
    if old is None or marker is None or not old.recording or pair.in_service:
        return
    if old.log_problem:
        yield f"the log of {old.path.name} {old.log_problem}"
    if new is None or new.problem:
        return
    if new.progress and old.log_entries is not None and old.log_entries < new.progress.last_replayed_log_id:
        yield (
            f"the log of {old.path.name} is shorter than what was replayed of it: it was put back from a backup, or log"
            " rows were deleted"
        )
    if old.schema_version != marker.schema_version:
        # Rare, and dear: the module and the planner are loaded for this alone.
        from hotmig.phases.drifted import drifted

        yield from drifted(old.path, new.path, marker, schema_file)


def stuck_by(pair: Pair, phase: Phase, schema_file: Path) -> Iterator[str]:
    """What half a cutover can't be finished after, one sentence each, with the way back."""
    old, marker = pair.old, pair.marker
    if phase != "half-cut" or old is None or marker is None or old.schema_version == marker.schema_version:
        return
    from hotmig.phases.drifted import changed

    if pair.new is not None and not pair.new.problem:
        yield from changed(old.path, pair.new.path, schema_file)


def unusable_module(pair: Pair, phase: Phase, schema_file: Path) -> Iterator[str]:
    """Where the next command is going to fail for the schema module. One that lies elsewhere is no alarm."""
    if pair.schema_problem and phase not in IDLE and schema_file.exists():
        yield f"the schema module can't be used: {pair.schema_problem}"
