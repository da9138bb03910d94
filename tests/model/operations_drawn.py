"""What is drawn: the commands, the moments at which they are held up or die, and the application's writes."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.model.operations_child import Moment
from tests.model.operations_mistakes import NEW_FILE_MISTAKES, NEW_MISTAKES, OLD_MISTAKES
from tests.model.operations_shop import (
    LATER,
    NEW,
    OLD,
    OTHER_PLAN,
    ChangeItem,
    ClearNotes,
    DropItem,
    DropTag,
    LogEvent,
    PutItem,
    PutNote,
    PutTag,
    RecodeItem,
    RekeyItem,
    RenameTag,
    RewriteEvents,
    SwapCodes,
    Write,
)

T = TypeVar("T")
ROLLBACK = "runs rollback"
COMMANDS = (
    "plan", "migrate", "migrate --offline", "migrate --wal", "migrate --no-ledger",
    "drain", "drain --max-pause 0.0001", "drain --hold 0.001", "drain --hold 600", "drain --cutover", "drain --cutover",
    "drain --no-ledger", "cutover", "cutover", "cutover",
    "cleanup-old", "cleanup-old --delete", "cleanup-old --unfence", "cleanup-old --dry-run",
    "reset", "reset --dry-run", "init", "path", ROLLBACK, "runs prune --older-than 0",
)  # fmt: skip

ids, labels, bodies = st.integers(1, 4), st.sampled_from("abc"), st.sampled_from(["x", "y", None])
kinds, weights = st.sampled_from(["in", "out"]), st.integers(1, 9)
verbs, or_replace = st.sampled_from(["", "OR IGNORE", "OR REPLACE"]), st.sampled_from(["", "OR REPLACE"])
writes: st.SearchStrategy[Write] = st.one_of(
    st.builds(PutItem, verbs, ids, labels, bodies, weights),
    st.builds(ChangeItem, ids, bodies, weights),
    st.builds(RekeyItem, or_replace, ids, ids),
    st.builds(RecodeItem, or_replace, ids, labels),
    st.builds(SwapCodes, ids, ids),
    st.builds(DropItem, ids),
    st.builds(PutTag, verbs, labels, st.none() | ids),
    st.builds(RenameTag, or_replace, labels, labels),
    st.builds(DropTag, labels),
    st.builds(PutNote, verbs, ids, labels, bodies),
    st.builds(ClearNotes, bodies),
    st.builds(LogEvent, kinds),
    st.builds(RewriteEvents, kinds, st.none() | kinds),
)
transactions = st.lists(writes, min_size=1, max_size=4).map(tuple)
commands = st.sampled_from(COMMANDS)
modules = st.sampled_from([NEW, NEW, NEW, OTHER_PLAN, LATER[0], OLD])


# Of the beginnings and ends of transactions that a command has: how many there are, and where it matters most. With the
# ledger's and the files' there are some fifty more.
_BOUNDARIES = {
    "migrate": (23, 2), "migrate --offline": (76, 62), "drain": (33, 32), "drain --cutover": (51, 38),
    "cutover": (16, 3),
}  # fmt: skip
_OTHERS, _MORE = (8, 2), 50
_acts = st.sampled_from(["KILL", "KILL", "STOP", "STOP", "TERM", "INT"])
deaths = st.builds(
    Moment, st.sampled_from(["KILL", "TERM", "INT"]), st.integers(1, _MORE), st.booleans(), st.just(True)
)


def _one_in(count: int, strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.sampled_from([False] * (count - 1) + [True]).flatmap(lambda drawn: strategy if drawn else st.none())


def _moments(command: str) -> st.SearchStrategy[Moment]:
    count, decisive = _BOUNDARIES.get(command, _OTHERS)
    at = st.integers(max(1, decisive - 2), decisive + 2) | st.integers(1, count)
    few = st.builds(Moment, _acts, at, st.booleans())
    many = st.builds(Moment, _acts, st.integers(1, count + _MORE), st.booleans(), st.just(True))
    return st.sampled_from([few, few, few, many]).flatmap(lambda strategy: strategy)


moments = _one_in(2, st.sampled_from(["migrate", "drain", "cutover", "reset"]).flatmap(_moments))
_connection, _rarely = st.integers(0, 1), st.sampled_from([False] * 5 + [True])
ODDITIES = ("no ledger", "damaged ledger", "read-only", "broken module", "no module")

Arguments = dict[str, st.SearchStrategy[Any]]
Action = tuple[str, dict[str, Any]]  # the name of a method of ``Operations``, and its arguments

_WRITE: Arguments = {"which": _connection, "newest": st.booleans(), "transaction": transactions, "hold": _rarely}
# How often each is drawn, and with what.
_APPLICATION: tuple[tuple[str, int, Arguments], ...] = (
    ("write", 8, _WRITE),
    ("user_version", 1, {"number": st.integers(1, 9)}),
    ("settle", 2, {"which": _connection, "how": st.sampled_from(["commit", "commit", "rollback", "close", "read"])}),
)
_MISHAPS: tuple[tuple[str, int, Arguments], ...] = (
    ("clock", 3, {"seconds": st.sampled_from([-1000.0, -61.0, -5.0, 5.0, 61.0, 61.0, 61.0])}),
    ("hurt_old", 3, {"mistake": st.sampled_from(OLD_MISTAKES), "nth": st.integers(0, 40), "service": st.booleans()}),
    ("hurt_new", 3, {"mistake": st.sampled_from([*NEW_MISTAKES, *NEW_FILE_MISTAKES])}),
    ("run", 3, {"command": commands, "moment": moments, "nth": st.integers(0, 3)}),
    ("two_at_once", 1, {"one": commands, "other": commands}),
    ("edit", 1, {"module": modules}),
    ("back_up", 1, {}),
    ("restore", 2, {}),
    ("run_beside", 1, {"oddity": st.sampled_from(ODDITIES), "command": commands}),
)


def _one_of(table: tuple[tuple[str, int, Arguments], ...]) -> st.SearchStrategy[Action]:
    weighted = [each for each in table for _ in range(each[1])]
    return st.sampled_from(weighted).flatmap(lambda each: st.tuples(st.just(each[0]), st.fixed_dictionaries(each[2])))


_application = st.lists(_one_of(_APPLICATION), min_size=1, max_size=2)
# What happens between two commands: the application is at work, and now and then something goes wrong.
_interludes = st.tuples(_application, _one_in(3, _one_of(_MISHAPS)), _application).map(
    lambda parts: (*parts[0], *([parts[1]] if parts[1] else []), *parts[2])
)
_DEPLOYS = (
    ("migrate", "drain", "cutover"), ("migrate", "drain", "cutover"), ("migrate", "drain --cutover"),
    ("migrate --offline",), ("migrate --wal", "drain --hold 0.001", "cutover"), ("drain", "cutover"),
)  # fmt: skip


def _leg(command: str) -> st.SearchStrategy[tuple[str, Moment | None, tuple[Action, ...]]]:
    return st.tuples(st.just(command), _one_in(2 if "cutover" in command else 3, _moments(command)), _interludes)


# A deploy script's line, or an operator who types it, whatever came of the one before.
_deploys = st.sampled_from(_DEPLOYS).flatmap(
    lambda commands: st.fixed_dictionaries(
        {
            "commands": st.tuples(*(_leg(each) for each in commands)),
            "stubborn": st.booleans(),
        }
    )
)
actions: st.SearchStrategy[Action] = st.one_of(
    st.tuples(st.just("deploy"), _deploys),
    _one_of(
        (("follow", 4, {"moment": moments}), ("go_on", 4, {"by": st.sampled_from(["CONT", "CONT", "KILL", "TERM"])}))
    ),
    _one_of(_MISHAPS),
    st.tuples(st.just("several"), st.fixed_dictionaries({"actions": _interludes})),
)
APPLICATION = ("write", "settle", "user_version")  # what no command is part of
