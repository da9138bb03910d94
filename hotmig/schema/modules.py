"""Running a schema module from its file, without a trace: no ``__pycache__``, nothing left in ``sys.modules``."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from hotmig.errors import SchemaError
from hotmig.schema.declare import Registry, collecting
from hotmig.schema.places import Spot, wrong
from hotmig.schema.raised import hint

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Running:
    """``modules`` are the schema module and those beside it that it imports."""

    registry: Registry
    modules: tuple[ModuleType, ...]


@contextmanager
def running(file: Path) -> Iterator[Running]:
    """Runs the module; inside the block annotations can be resolved, because its modules are in ``sys.modules``.

    Modules beside it are imported anew each time, so that a change in them is seen and their tables are declared
    again. Raises SchemaError for whatever goes wrong, with the line that did it.
    """
    code = _compiled(file)
    name = f"_hotmig_schema_{next(_numbers)}"
    module = ModuleType(name)
    module.__file__ = str(file)
    with _directory_first(file.resolve().parent) as beside, collecting() as registry:
        sys.modules[name] = module
        if file.stem in beside:
            # A module beside it that imports it back must not run it a second time.
            sys.modules[file.stem] = module
        try:
            _run(code, module, file, beside)
            imported = [sys.modules[key] for key in list(sys.modules) if key.split(".")[0] in beside]
            yield Running(registry, (module, *(each for each in imported if each is not module)))
        finally:
            del sys.modules[name]


@contextmanager
def importing_beside(file: Path) -> Iterator[None]:
    """Functions of a module that ran may import from beside it, inside of the block."""
    with _directory_first(file.resolve().parent):
        yield


@contextmanager
def _directory_first(directory: Path) -> Iterator[frozenset[str]]:
    """Imports from the directory first, and forgets what was imported from it afterwards."""
    beside = frozenset(_importable(directory) - sys.stdlib_module_names - {"hotmig"})

    def taken() -> dict[str, ModuleType]:
        names = [name for name in sys.modules if name.split(".")[0] in beside]
        return {name: sys.modules.pop(name) for name in names}

    before, writes = taken(), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(directory))
    importlib.invalidate_caches()
    try:
        yield beside
    finally:
        sys.dont_write_bytecode = writes
        if str(directory) in sys.path:
            sys.path.remove(str(directory))
        taken()
        sys.modules.update(before)


def _importable(directory: Path) -> set[str]:
    """The names of modules and packages there; a package needs no __init__.py."""
    inside = (path.relative_to(directory) for depth in ("*/*.py", "*/*/*.py") for path in directory.glob(depth))
    names = {path.parts[0] for path in inside}
    return {path.stem for path in directory.glob("*.py")} | {name for name in names if name.isidentifier()}


def _compiled(file: Path) -> CodeType:
    try:
        content = file.read_bytes()
        if content.startswith(b"SQLite format 3\0"):
            raise wrong(Spot(str(file), 1), "it is a database", "--schema takes the Python module")
        return compile(content, str(file), "exec", dont_inherit=True)
    except OSError as error:
        # Without a line number: it has no lines.
        raise SchemaError(
            f"{file}: there is no schema module to read: {error.strerror}",
            "name its directory with --dir, or the file with --schema; `hotmig init APP.DB` writes one",
        ) from error
    except SyntaxError as error:
        raise _syntax(error, file) from error
    except ValueError as error:  # a NUL byte, before Python 3.11.4
        raise wrong(Spot(str(file), 1), str(error), "save the module as UTF-8 text") from error


def _run(code: CodeType, module: ModuleType, file: Path, beside: Iterable[str]) -> None:
    try:
        # What the module prints must not stand in the output of --json.
        with redirect_stdout(sys.stderr):
            exec(code, vars(module))
    except SchemaError:
        raise
    except SyntaxError as error:
        raise _syntax(error, file) from error
    except (Exception, SystemExit, GeneratorExit) as error:
        told = (f"{type(error).__name__}: {error}".removesuffix(": "), hint(error))
        message, fix = (text.replace(module.__name__, file.stem) for text in told)
        raise wrong(_line_of(error, file, beside), message, fix) from error


def _syntax(error: SyntaxError, file: Path) -> SchemaError:
    return wrong(Spot(error.filename or str(file), error.lineno or 1), f"syntax error: {error.msg}", "correct the line")


def _line_of(error: BaseException, file: Path, beside: Iterable[str]) -> Spot:
    """The innermost line of the module, or of those beside it, however deep in a package."""
    spots = [Spot(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [spot for spot in spots if spot.file == str(file) or _lies_beside(spot.file, file, beside)]
    return own[-1] if own else Spot(str(file), 1)


def _lies_beside(path: str, file: Path, beside: Iterable[str]) -> bool:
    directory, where = file.resolve().parent, Path(os.path.realpath(path))
    if directory not in where.parents or "site-packages" in where.parts:
        return False
    return where.relative_to(directory).parts[0].removesuffix(".py") in beside
