"""What assistants remember: an application that writes one project under many names, and what is to become of that.

The expectation is plain Python over plain rows: no registry is read, and nothing of the product is used in it.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.scenarios.usage import Contents, Row, ordered

TABLES = ("projects", "project_state", "memories", "interactions")
REGISTRY = {
    "lantern": ("shadow", "lantern-old", "The Lantern"),
    "harbour": ("harbor", "port"),
    "orchard": (),
    "mill": ("windmill",),
    "lamp": ("ÖL-Lampe", "öllampe"),  # SQLite by itself folds ASCII alone
    "quarry": ("pit", "The Pit"),
    "cellar": ("basement",),
    "settled": ("set aside",),
    "left": ("leftover",),
}
OF_THE_TEST = ("settled", "left")  # the application leaves these alone
ALONE = ("harbour", "mill", "quarry")  # no project of the application has these names: aliases are all there is of them
OTHERS = ("elsewhere", " elsewhere", "nowhere", "Über", "somewhere", "lantern 2")
VOCABULARY = [name for key, names in REGISTRY.items() if key not in OF_THE_TEST for name in (key, *names)]
IS_CANONICAL = f"name IN ({', '.join(map(repr, REGISTRY))})"
STATUSES = ("active", "superseded", "invalid")
SLOTS = tuple(itertools.product(("build", "test"), ("tool", "owner", "branch", "goal")))
JOURNAL = "journal"
# What no expectation can know: keys that are made, and the time at which a row was moved.
MADE, TOUCHED = "made for {}", "touched"


def folded(name: str) -> str:
    return name.strip().lower()


CANONICAL = {folded(name): key for key, names in REGISTRY.items() for name in (key, *names)}


def canonical(name: str | None) -> str | None:
    """The name that a project is to have. What the registry does not know stays as it is, with its blanks."""
    return None if name is None else CANONICAL.get(folded(name), name)


# --- what is to come of it


class Expected:
    """What the rules make of these rows, and which of the old rows met which of them."""

    def __init__(self, before: Contents) -> None:
        self.kinds: dict[str, set[str]] = defaultdict(set)
        self.leads: dict[str, str] = {}  # old project → the one that it is now
        projects = self._projects(before["projects"])
        states = self._states(before["project_state"])
        memories = self._memories(before["memories"])
        interactions = [{**row, "project": canonical(row["project"])} for row in before["interactions"]]
        found = (projects, states, memories, interactions)
        self.contents = {name: ordered(rows) for name, rows in zip(TABLES, found, strict=True)}

    def _projects(self, rows: list[Row]) -> list[Row]:
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            groups[canonical(row["name"]) or ""].append(row)
        return [self._one_project(name, group) for name, group in groups.items()]

    def _one_project(self, name: str, group: list[Row]) -> Row:
        exact = [row for row in group if row["name"] == name]
        spelled = [row for row in group if row["name"] != name and folded(row["name"]) == folded(name)]
        assert len(spelled) < 2, f"two rows claim to be {name}"
        made = {"id": MADE.format(name), "name": name, "description": "made of its aliases"}
        home = [*exact, *spelled, made][0]
        self.leads.update({row["id"]: home["id"] for row in group})
        gone = {row["id"] for row in group if row is not home}
        self.kinds["made" if home is made else "merged project"] |= gone
        return {**home, "name": name}

    def _states(self, rows: list[Row]) -> list[Row]:
        groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in rows:
            groups[self.leads[row["project_id"]], row["category"], row["key"]].append(row)
        return [self._one_state(home, group) for (home, *_), group in groups.items()]

    def _one_state(self, home: str, group: list[Row]) -> Row:
        """The issue's table; of several shadows the newer one, where it does not say which."""
        assert len({row["value"] for row in group if row["status"] == "active"}) < 2, f"a collision: {group}"
        stands = {row["id"]: row["project_id"] == home for row in group}
        group = sorted(sorted(group, key=lambda row: row["id"]), key=lambda row: row["updated_at"], reverse=True)
        group.sort(key=lambda row: (row["status"] == "active", stands[row["id"]]), reverse=True)
        winner, *losers = group
        for row in losers:
            self.kinds["merged" if row["value"] == winner["value"] else "dropped"].add(row["id"])
        if stands[winner["id"]]:
            return winner
        if any(stands[row["id"]] and row["value"] != winner["value"] for row in losers):
            self.kinds["shadow wins"].add(winner["id"])
        elif not any(stands.values()):
            self.kinds["carried"].add(winner["id"])
        return {**winner, "project_id": home, "updated_at": TOUCHED}

    def _memories(self, rows: list[Row]) -> list[Row]:
        groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in rows:
            name = canonical(row["project"])
            # Without a project two are not equal, whatever they say.
            key = (row["id"],) if name is None else (row["memory_type"], row["content"], name, row["status"])
            groups[key].append(row)
        return [row for group in groups.values() for row in self._one_kind(group)]

    def _one_kind(self, group: list[Row]) -> Iterator[Row]:
        """Memories that are equal by now: the newest stays as it is; of several, one that had its name already."""
        name = canonical(group[0]["project"])
        group = sorted(group, key=lambda row: (row["project"] != name, row["id"]))
        group.sort(key=lambda row: row["updated_at"], reverse=True)
        for position, row in enumerate(group):
            status = "superseded" if position else row["status"]
            if status != row["status"]:
                self.kinds["superseded"].add(row["id"])
            yield {**row, "project": name, "status": status}


# --- the application


class Assistant:
    """One connection of the application, and its dice. Two of its active states never differ under one project."""

    def __init__(self, path: Path, name: str) -> None:
        self.db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = ON")
        self.dice = random.Random(name)
        self.name = name
        self.number = itertools.count()
        often = {self.begin: 4, self.know: 8, self.fork: 3, self.revise: 3, self.remember: 4}
        seldom = {self.interact: 1, self.rename: 2, self.move: 1, self.rethink: 2, self.end: 1, self.forget: 2}
        self.actions = {**often, **seldom}

    def write(self) -> str:
        """One transaction, of several statements. Returns the key of the interaction that says it was accepted."""
        key = self.id()
        self.db.execute("BEGIN IMMEDIATE")
        try:
            for action in self.dice.choices([*self.actions], [*self.actions.values()], k=self.dice.randint(1, 3)):
                action()
            self.db.execute("INSERT INTO interactions VALUES (?, ?, ?)", (key, self.named(), JOURNAL))
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        return key

    def id(self) -> str:
        return f"{self.name}-{next(self.number)}"

    def moment(self) -> str:
        """Few of them, so that some are the same."""
        return f"2020-01-{self.dice.randint(1, 12):02}T00:00:00Z"

    def spelled(self) -> str:
        """One of the names of a project, in any case and with blanks around it."""
        name = self.dice.choice(VOCABULARY)
        if self.dice.random() < 0.3:
            return name
        case = self.dice.choice([str.lower, str.upper, str.title, str])
        before, after = (self.dice.choice(["", "", " ", "\t"]) for _ in range(2))
        return f"{before}{case(name)}{after}"

    def named(self) -> str | None:
        """What a memory calls its project."""
        if self.dice.random() < 0.8:
            return self.spelled()
        return self.dice.choice([None, "", " ", *OTHERS])

    def project_name(self) -> str:
        """What a project is called; a canonical name is spelled otherwise by no more than one."""
        name = self.dice.choice(OTHERS) if self.dice.random() < 0.1 else self.spelled()
        wanted = canonical(name)
        if wanted is None or folded(name) != folded(wanted):
            return name
        if wanted in ALONE:
            return self.dice.choice(REGISTRY[wanted])
        taken = {folded(other) for (other,) in self.db.execute("SELECT name FROM projects WHERE name <> ?", (wanted,))}
        return wanted if folded(wanted) in taken else name

    def some(self, table: str, where: str = "1") -> str | None:
        """The key of any row that the application has written itself."""
        own = f"SELECT id FROM {table} WHERE id NOT LIKE 'test-%' AND {where}"
        found = self.db.execute(f"{own} ORDER BY random() LIMIT 1").fetchone()
        return None if found is None else found[0]

    def now(self, slot: tuple[str, str]) -> tuple[str, str, str]:
        """Value, status and time of an active state: under whichever name, the value is the same."""
        return f"{slot[1]} of {slot[0]}", "active", self.moment()

    def known(self, slot: tuple[str, str]) -> tuple[str, str, str]:
        value, status = self.dice.choice([self.now(slot)[0], "then", "before"]), self.dice.choice(STATUSES)
        return self.now(slot) if status == "active" else (value, status, self.moment())

    def state(self, way: str, project: str, slot: tuple[str, str], known: tuple[str, str, str]) -> None:
        self.db.execute(
            f"INSERT OR {way} INTO project_state VALUES (?, ?, ?, ?, ?, ?, ?)", (self.id(), project, *slot, *known)
        )

    # --- what it does

    def begin(self) -> None:
        row = (self.id(), self.project_name(), self.dice.choice([None, "of mine"]))
        self.db.execute("INSERT OR IGNORE INTO projects VALUES (?, ?, ?)", row)

    def know(self) -> None:
        """Half of it about projects under their canonical name, so that there is something to differ from."""
        if project := self.some("projects", self.dice.choice(["1", IS_CANONICAL])):
            slot, way = self.dice.choice(SLOTS), self.dice.choice(["IGNORE", "REPLACE"])
            self.state(way, project, slot, self.known(slot))

    def fork(self) -> None:
        """What was given up under the canonical name goes on under another one: too rare, were it left to chance."""
        if project := self.some("projects", IS_CANONICAL):
            names = dict(self.db.execute("SELECT id, name FROM projects WHERE id NOT LIKE 'test-%'"))
            shadows = [key for key, name in names.items() if key != project and canonical(name) == names[project]]
            slot = self.dice.choice(SLOTS)
            self.state("REPLACE", project, slot, ("then", "superseded", self.moment()))
            if shadows:
                self.state("REPLACE", self.dice.choice(shadows), slot, self.now(slot))

    def revise(self) -> None:
        if state := self.some("project_state"):
            slot = self.db.execute("SELECT category, key FROM project_state WHERE id = ?", (state,)).fetchone()
            values = (*self.known(slot), state)
            self.db.execute("UPDATE project_state SET value = ?, status = ?, updated_at = ? WHERE id = ?", values)

    def move(self) -> None:
        state, project = self.some("project_state"), self.some("projects")
        self.db.execute("UPDATE OR IGNORE project_state SET project_id = ? WHERE id = ?", (project, state))

    def remember(self) -> None:
        kind, content = self.dice.choice(["fact", "wish"]), f"it is {self.dice.choice('abcdefgh')}"
        row = (self.id(), kind, content, self.named(), self.dice.choices(STATUSES, [4, 1, 1])[0], self.moment())
        self.db.execute("INSERT INTO memories VALUES (?, ?, ?, ?, ?, ?)", row)

    def rethink(self) -> None:
        column, value = self.dice.choice([("project", self.named()), ("updated_at", self.moment())])
        self.db.execute(f"UPDATE memories SET {column} = ? WHERE id = ?", (value, self.some("memories")))

    def interact(self) -> None:
        self.db.execute("INSERT INTO interactions VALUES (?, ?, 'asked')", (self.id(), self.named()))

    def rename(self) -> None:
        """A project that has the name already gives way at times, with all that is known of it."""
        way = self.dice.choice(["IGNORE", "IGNORE", "REPLACE"])
        values = (self.project_name(), self.some("projects"))
        self.db.execute(f"UPDATE OR {way} projects SET name = ? WHERE id = ?", values)

    def end(self) -> None:
        self.db.execute("DELETE FROM projects WHERE id = ?", (self.some("projects"),))

    def forget(self) -> None:
        table = self.dice.choice(["project_state", "memories"])
        self.db.execute(f"DELETE FROM {table} WHERE id = ?", (self.some(table),))


def work(application: Assistant, journal: Any) -> None:
    """Writes until the database is replaced; a line for each transaction says what became of it."""
    while True:
        try:
            journal.write(f"{application.write()}\n")
        except sqlite3.IntegrityError as error:
            if "was replaced by" in str(error):
                journal.write("replaced\n")
                return
            if "writes are paused" not in str(error):
                raise
            journal.write("paused\n")
        journal.flush()
        time.sleep(0.003)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--name", required=True)
    options = parser.parse_args()
    with options.journal.open("w") as journal:
        work(Assistant(options.db, options.name), journal)


if __name__ == "__main__":
    sys.exit(main())
