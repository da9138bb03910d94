"""hotmig, broken on purpose: each of these has to be found by the state machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotmig.capture import fence
from hotmig.ledger import state
from hotmig.phases import fence_down, handover
from hotmig.transfer import replay


def _nothing(*_: Any) -> int:
    return 0


def _an_archive_that_accepts_writes() -> None:
    triggers = fence.fence_triggers
    fence.fence_triggers = lambda *of: tuple(
        sql.replace("status = 'retired'", "status = 'nobody'") for sql in triggers(*of)
    )


def _writes_behind_the_drain_are_not_looked_for() -> None:
    handover._require_unwritten = _nothing


def _replay_deletes_nothing() -> None:
    replay._take_out = _nothing


def _a_fence_that_does_not_lapse() -> None:
    fence._IS_UP = "julianday('now') >= fence_from"


def _a_failure_leaves_the_fence_up() -> None:
    fence_down._lower = _nothing


def _a_dead_process_counts_as_running() -> None:
    state.is_alive = lambda _: True


BROKEN: dict[str, Callable[[], None]] = {
    "an archive that accepts writes": _an_archive_that_accepts_writes,
    "writes behind the drain are not looked for": _writes_behind_the_drain_are_not_looked_for,
    "replay deletes nothing": _replay_deletes_nothing,
    "a fence that does not lapse": _a_fence_that_does_not_lapse,
    "a failure leaves the fence up": _a_failure_leaves_the_fence_up,
    "a dead process counts as running": _a_dead_process_counts_as_running,
}
