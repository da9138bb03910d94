"""Every command that changes something, in a shop in which it has something to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.phases.shops import Shop, open_shop


@dataclass(frozen=True)
class Mutating:
    """``before`` are the commands that lead to where it has work; RUN in ``line`` is the newest run then."""

    line: str
    before: tuple[str, ...] = ()
    keeps_record: bool = True  # takes --no-ledger, and is a run itself

    def opened(self, directory: Path) -> Shop:
        """A shop in which the command has something to do."""
        shop = open_shop(directory)
        if self.line == "init":
            shop.old.unlink()
        for command in self.before:
            shop.run(command)
        return shop

    def typed(self, shop: Shop) -> str:
        """The command with its options."""
        return self.line.replace("RUN", shop.runs()[0]["run_id"]) if "RUN" in self.line else self.line


COMMANDS = (
    Mutating("init"),
    Mutating("migrate"),
    Mutating("migrate --offline"),
    Mutating("migrate --wal"),
    Mutating("drain", ("migrate",)),
    Mutating("drain --cutover", ("migrate",)),
    Mutating("cutover", ("migrate", "drain")),
    Mutating("cleanup-old", ("migrate --offline",)),
    Mutating("cleanup-old --delete", ("migrate --offline",)),
    Mutating("reset", ("migrate",)),
    Mutating("runs rollback RUN --yes", ("migrate",), keeps_record=False),
    Mutating("runs prune --older-than 0", ("migrate",), keeps_record=False),
)
RECORDED = tuple(command for command in COMMANDS if command.keeps_record)
