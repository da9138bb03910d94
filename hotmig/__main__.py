"""``python -m hotmig``."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Runs the command line and exits with its code."""
    from hotmig.cli import signals
    from hotmig.errors import Stopped

    signals.stop_on_signals()
    try:
        # Importing takes longest of all that a short command does: a signal can come into it.
        from hotmig.cli.app import cli
    except Stopped:
        signals.ignore()
        sys.exit(128 + (signals.received() or 0))
    _print_anything()
    cli.main(prog_name="hotmig")


def _print_anything() -> None:
    """Names of files and tables may have characters that the terminal's encoding lacks: no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # surrogateescape gives the very bytes of a file name back.
            stream.reconfigure(errors="surrogateescape" if stream.encoding == "utf-8" else "backslashreplace")


if __name__ == "__main__":
    main()
