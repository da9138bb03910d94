"""Every way hotmig can refuse or fail: each knows its exit code and the command that comes next."""

from __future__ import annotations

BEGIN_ANEW = "run `hotmig reset`, then `hotmig migrate`"  # the hint where a migration can't go on


class HotmigError(Exception):
    """Something failed. ``message`` is one line; ``hint`` names what to do next.

    ``rows`` is the end of the message that names rows by their keys and values; ``without_data`` leaves it out.
    """

    exit_code = 1
    step: str | None = None  # the object of the ledger's step that failed, where several follow one another
    trace: str = ""  # for the ledger: where it happened, without anything of the users' data

    def __init__(self, message: str, hint: str | None = None, *, rows: str = "") -> None:
        super().__init__(message + rows)
        self.message = message + rows
        self.without_data = message
        self.hint = hint


class SchemaError(HotmigError):
    """The schema module is wrong. The message begins with ``file:line:``, or ``file:`` without a file."""


class Blocked(HotmigError):
    """The plan has blocking findings; nothing was changed."""


class UsageError(HotmigError):
    """The command line asks for something that makes no sense."""

    exit_code = 2


class Refused(HotmigError):
    """Going on could lose data: drift, a failed proof, a conflict, a file in the way."""

    exit_code = 3


class FenceLeftUp(HotmigError):
    """What was raised to keep writes out could not be lowered after ``failure``, which is what went wrong first."""

    def __init__(self, failure: BaseException, problem: str) -> None:
        super().__init__(problem)
        self.failure = failure
        self.step, self.trace = getattr(failure, "step", None), getattr(failure, "trace", "")


class GaveUp(HotmigError):
    """A lock or the pause budget was not met in time. Nothing is lost; run it again."""

    exit_code = 4


class DowngradeDetected(Refused):
    """The database has data migrations that the schema module does not know: a newer version wrote them."""


class Stopped(BaseException):
    """A signal asked us to stop. No ``except Exception`` on the way may swallow it."""

    told = "stopped by a signal"  # in the ledger


class DataMigrationFailed(HotmigError):
    """A data migration failed and was rolled back. ``step`` is its name, ``trace`` where it was."""


class DataMigrationExit(SystemExit):
    """A data migration called ``sys.exit``: that goes on up, with its code, as the ``failure`` that it is otherwise."""

    def __init__(self, failure: DataMigrationFailed, code: int) -> None:
        super().__init__(code)
        failure.exit_code = code
        self.failure = failure
        self.step, self.trace, self.told = failure.step, failure.trace, failure.without_data

    def __str__(self) -> str:
        return str(self.failure)


class DataMigrationTooLong(GaveUp):
    """A data migration did not come to its end while writes were paused, and was rolled back."""
