"""The schema modules and the old tables of the random migrations whose rows become one."""

from __future__ import annotations

from dataclasses import dataclass

from tests.rules.model import ALIASES, WORDS, Rules

MERGE = """@table(merge=Merge(by="name", mapping={mapping}, fold_case=True,{create} touch={{"ts": "-1"}}))"""
CREATE = """ create={{{key}, "rank": "{rank}", "weight": "{weight}", "note": "'made'"}},"""
DUPLICATES = (
    """@table(unique=[Unique("name", collate="NOCASE")], duplicates=Duplicates(key="name", compare="note","""
    """ prefer="coalesce(rank, -9) DESC"))"""
)
KEEP = (
    """@table(duplicates=Duplicates(key="name", compare="note", prefer="coalesce(rank, -9) DESC","""
    """ losers={"rank": "0"}))"""
)
CHILD = (
    """@table(unique=[{key}], duplicates=Duplicates(key={key}, compare="val","""
    """ prefer="st = 'on' DESC, _canonical DESC, ts DESC, {own}"{collide}))"""
)
CHILD_KEEP = (
    """@table(duplicates=Duplicates(key={key}, compare=(), prefer="ts DESC", equal="keep","""
    """ losers={{"st": "'old'"}}))"""
)
MADE_INTEGER = 1_000  # keys of made rows begin here, the application's end before
MADE_TEXT = "made-"


@dataclass(frozen=True)
class Columns:
    """What key and reference are called."""

    parent: tuple[str, ...]
    reference: tuple[str, ...]
    child: tuple[str, ...]

    @classmethod
    def of(cls, rules: Rules) -> Columns:
        if rules.key == "pair":
            return cls(("area", "id"), ("parent_area", "parent_id"), ("id", "half"))
        return cls(("id",), ("parent_id",), ("id",))


def module(rules: Rules) -> str:
    """The new schema module of these rules."""
    key = {
        "integer": "id: Annotated[int, Key] = auto()",
        "text": "id: Annotated[str, Key]",
        "nocase": 'id: Annotated[str, Key, Collate("NOCASE")]',
        "new": 'id: Annotated[int, Key] = auto()\n    code: Annotated[str, From("id")]',
        "pair": "area: Annotated[int, Key]\n    id: Annotated[int, Key]",
    }[rules.key]
    own = "id: Annotated[int, Key]\n    half: Annotated[int, Key]" if rules.key == "pair" else "id: Annotated[int, Key]"
    collate = ', Collate("NOCASE")' if rules.parent == "keep" else ""
    mapped = f", Mapped({_flat(WORDS)}, fold_case=True)" if rules.is_mapped else ""
    return f"""
{_parent(rules)}
class Parent:
    {key}
    name: Annotated[str | None{collate}]
    rank: int | None = None
    weight: float | None = None
    note: Annotated[str | None{mapped}] = None

{_child(rules)}
class Child:
    {own}
    parent: Annotated[Parent | None, References(on_delete="CASCADE")] = None
    cat: Annotated[str | None{mapped}] = None
    val: str | None = None
    st: str
    ts: int
""".replace("Annotated[str | None]", "str | None")


def _parent(rules: Rules) -> str:
    return {
        "plain": "@table",
        "merge": MERGE.format(mapping=_flat(ALIASES), create=""),
        "create": MERGE.format(mapping=_flat(ALIASES), create=_create(rules)),
        "drop": DUPLICATES,
        "keep": KEEP,
    }[rules.parent]


def _child(rules: Rules) -> str:
    columns = Columns.of(rules)
    key, own = (*columns.reference, "cat"), ", ".join(columns.child)
    return {
        "plain": "@table",
        "drop": CHILD.format(key=key, own=own, collide=""),
        "collide": CHILD.format(key=key, own=own, collide=", collide=\"st = 'on'\""),
        "keep": CHILD_KEEP.format(key=key),
    }[rules.child]


def _create(rules: Rules) -> str:
    """The numbers as they are stored, or as the columns' affinity makes them of others."""
    number = f"{MADE_INTEGER} + abs(random() % 1000000000)"
    is_text = rules.made == "text"
    if rules.key in ("integer", "pair"):
        key = f'"id": "{f"CAST({number} AS TEXT)" if is_text else number}"'
        if rules.key == "pair":
            key += ', "area": "' + ("'7'" if is_text else "7") + '"'
    else:
        key = f'"id": "\'{MADE_TEXT}\' || lower(hex(randomblob(8)))"'
    rank, weight = {"exact": ("0", "0.0"), "number": ("0.0", "0"), "text": ("'0'", "'0'")}[rules.made]
    return CREATE.format(key=key, rank=rank, weight=weight)


def _flat(mapping: dict[str, list[str]]) -> dict[str, str]:
    return {alias: canonical for canonical, aliases in mapping.items() for alias in aliases}


def old_tables(rules: Rules) -> list[str]:
    """The statements that create them."""
    columns = Columns.of(rules)
    declared = {"text": "TEXT", "new": "TEXT", "nocase": "TEXT COLLATE NOCASE"}.get(rules.key, "INTEGER")
    key, reference, own = (
        ", ".join(f"{name} {kind}" for name in names)
        for names, kind in (
            (columns.parent, f"{declared} NOT NULL"),
            (columns.reference, declared),
            (columns.child, "INTEGER NOT NULL"),
        )
    )
    return [
        "PRAGMA foreign_keys = ON",
        f"CREATE TABLE parent({key}, name TEXT, rank INTEGER, weight REAL, note TEXT,"
        f" PRIMARY KEY ({', '.join(columns.parent)}))",
        f"CREATE TABLE child({own}, {reference}, cat TEXT, val TEXT, st TEXT NOT NULL, ts INTEGER NOT NULL,"
        f" PRIMARY KEY ({', '.join(columns.child)}), FOREIGN KEY ({', '.join(columns.reference)})"
        f" REFERENCES parent({', '.join(columns.parent)}) ON DELETE CASCADE)",
    ]
