"""What a schema module means by an exception that it raised, for messages: the fix in one line."""

from __future__ import annotations

import difflib
import sys
import traceback
from types import ModuleType

import hotmig.schema

LIKENESS = 0.7  # of 1: "Chek" is 0.9 of Check; "Sale", which may be a class to be imported, 0.67 of table


def hint(error: BaseException) -> str:
    """How to mend what the module's code raised."""
    if isinstance(error, ImportError | AttributeError) and (module := _half_run(error)):
        return (
            f'the two modules import each other: write "import {module}", and "{module}.Name" in quotes where it is'
            " needed in an annotation, or put both into one module"
        )
    if isinstance(error, ImportError):
        return _import_hint(error)
    return name_hint(error) or _by_message(str(error))


def name_hint(error: BaseException) -> str | None:
    """For a name that is not known: the one of hotmig.schema that it is, or was to be."""
    if not isinstance(error, NameError) or not error.name:
        return None
    if error.name in hotmig.schema.__all__:
        return f"write from hotmig.schema import {error.name}"
    names = {name.lower(): name for name in hotmig.schema.__all__}
    close = difflib.get_close_matches(error.name.lower(), names, n=1, cutoff=LIKENESS)
    if not close:
        return None
    meant = names[close[0]]
    return f"did you mean {meant}?" + (
        "" if _is_known(meant, error) else f" Then write from hotmig.schema import {meant}"
    )


def _is_known(name: str, error: NameError) -> bool:
    """Whether the code that raised it could have said that name."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return name in frame.f_globals


def _half_run(error: ImportError | AttributeError) -> str | None:
    """The module that was asked for a name before it had run to its end; None when it is something else."""
    name = error.name if isinstance(error, ImportError) else getattr(error.obj, "__name__", None)
    asked = error.obj if isinstance(error, AttributeError) else sys.modules.get(name or "")
    # The schema module itself is not run by import, which therefore knows nothing of it.
    unknown = isinstance(asked, ModuleType) and asked.__spec__ is None
    return name if unknown or "circular import" in str(error) else None


def _import_hint(error: ImportError) -> str:
    if "relative import" in str(error):
        return "write the import of a module beside it without the dot"
    if not isinstance(error, ModuleNotFoundError) and (module := sys.modules.get(error.name or "")):
        asked = str(error).partition("'")[2].partition("'")[0]
        close = difflib.get_close_matches(asked, dir(module), n=1)
        return f"did you mean {close[0]}?" if close else f"{error.name} has no such name"
    return "install it beside hotmig, or leave the import out: a schema module needs hotmig.schema and its own kind"


def _by_message(message: str) -> str:
    if "non-default argument" in message:
        return "leave @dataclass out: @table makes the class a dataclass, with keywords only, so that any order works"
    if "unsupported operand" in message and "'str'" in message:
        return 'write Annotated["Name", …] | None, or from __future__ import annotations'
    if "by their names" in message:
        return "give the fields of a row by their names"
    if "Annotated[...] should be used" in message:
        return "write the type first: Annotated[int, Key]"
    return "correct the line, then run the command again"
