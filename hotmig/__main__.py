"""``python -m hotmig``."""

from __future__ import annotations

import codecs
import io
import sys


def main() -> None:
    """Runs the command line and exits with its code."""
    from hotmig.cli import signals
    from hotmig.errors import Stopped

    try:
        signals.stop_on_signals()
        # Importing takes longest of all that a short command does: a signal can come into it.
        from hotmig.cli.app import cli

        _print_anything()
        cli.main(prog_name="hotmig")
    except Stopped:  # before the command line is read, or behind its end
        signals.ignore()
        sys.exit(128 + (signals.received() or 0))


def _print_anything() -> None:
    """Names of files and tables may have characters that the terminal's encoding lacks: no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_BYTES_OR_ESCAPES if stream.encoding == "utf-8" else "backslashreplace")


def _bytes_or_escapes(error: UnicodeError) -> tuple[str | bytes, int]:
    """The very bytes of a file name that is no UTF-8; of half a surrogate pair its escape."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


_BYTES_OR_ESCAPES = "hotmig-bytes-or-escapes"
codecs.register_error(_BYTES_OR_ESCAPES, _bytes_or_escapes)


if __name__ == "__main__":
    main()
