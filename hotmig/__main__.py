"""``python -m hotmig``."""

from __future__ import annotations


def main() -> None:
    """Runs the command line and exits with its code."""
    from hotmig.cli.app import cli
    from hotmig.cli.signals import stop_on_signals

    stop_on_signals()
    cli.main(prog_name="hotmig")


if __name__ == "__main__":
    main()
