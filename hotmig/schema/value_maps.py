"""The values that a ``Mapped`` or a ``Merge`` replaces, read from its dict or from the file that it names."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hotmig.schema.json_mapping import JsonMapping
from hotmig.schema.model import ValueMap, has_half_a_pair, looked_up
from hotmig.schema.places import Spot, wrong
from hotmig.units import counted

Entry = tuple[str, tuple[str, ...]]  # a canonical value with its aliases


def value_map(mapping: Mapping[str, str] | JsonMapping, fold_case: bool, spot: Spot) -> ValueMap:
    """Every spelling with its canonical value. A file lies beside the module that ``spot`` is in.

    Raises SchemaError for a file that is missing or no such list, and for an alias that two canonical values claim.
    """
    if not isinstance(fold_case, bool):
        raise wrong(spot, f"fold_case={fold_case!r} is neither True nor False", "write fold_case=True or leave it out")
    if isinstance(mapping, JsonMapping):
        directory, spot = Path(spot.file).parent, mapping.spot or spot
        _require_names(mapping, spot)
        title, entries = mapping.file, tuple(_from_file(mapping, directory, spot))
        where = f"{mapping.file}: "
    else:
        entries = tuple(_from_dict(mapping, spot))
        title, where = counted(len(mapping), "alias", "aliases"), ""
    claimed: dict[str, str] = {}
    for canonical, aliases in entries:
        for alias in (canonical, *aliases):
            _claim(claimed, alias, canonical, fold_case, where, spot)
    return ValueMap(tuple(sorted(claimed.items())), fold_case, title)


def _claim(claimed: dict[str, str], alias: str, canonical: str, fold_case: bool, where: str, spot: Spot) -> None:
    key = looked_up(alias, fold_case)
    if not key:
        raise wrong(spot, f"{where}an alias of {canonical!r} is empty", "take it away: empty values are left alone")
    if "\0" in key:
        raise wrong(spot, f"{where}the alias {alias!r} has a NUL in it", "take it away")
    if has_half_a_pair(alias):
        what = f"{where}the alias {alias!r} has half of a surrogate pair in it"
        raise wrong(spot, what, "no database holds such a text: write the whole character")
    if claimed.setdefault(key, canonical) != canonical:
        raise wrong(
            spot,
            f"{where}the alias {alias!r} is claimed by two canonical values: {claimed[key]!r} and {canonical!r}",
            "an alias, and each canonical value itself, can stand for one canonical value only",
        )


def _from_dict(mapping: object, spot: Spot) -> Iterator[Entry]:
    if not isinstance(mapping, Mapping):
        raise wrong(
            spot,
            f"the mapping {mapping!r} is neither a dict nor from_json(…)",
            'write a dict {"alias": "canonical"}, or from_json("…", …)',
        )
    for alias, canonical in mapping.items():
        if not isinstance(alias, str) or not isinstance(canonical, str):
            raise wrong(spot, f"the mapping has {alias!r}: {canonical!r}, which is not two texts", "map texts to texts")
        yield _checked(canonical, "", spot), (alias,)


def _require_names(mapping: JsonMapping, spot: Spot) -> None:
    """What from_json was given. It does not look itself: in an annotation that is a text it can't say where it is."""
    if not isinstance(mapping.file, str) or not mapping.file:
        what = f"from_json() takes the name of a file, not {mapping.file!r}"
        raise wrong(spot, what, 'write from_json("registry.json", canonical="id", aliases="aliases")')
    for what, name in (("items", mapping.items), ("canonical", mapping.canonical), ("aliases", mapping.aliases)):
        if not isinstance(name, str) and not (what == "items" and name is None):
            raise wrong(spot, f"{what}= of from_json() takes the name of a member, not {name!r}", f'write {what}="…"')


def _from_file(mapping: JsonMapping, directory: Path, spot: Spot) -> Iterator[Entry]:
    seen: set[str] = set()
    items = _items(mapping, directory, spot)
    for number, item in enumerate(items, 1):
        what = f"{mapping.file}: entry {number}"
        if not isinstance(item, dict) or not isinstance(item.get(mapping.canonical), str):
            hint = f'each entry is an object with a text "{mapping.canonical}"'
            raise wrong(spot, f"{what} has no canonical value {mapping.canonical}", hint)
        canonical = _checked(item[mapping.canonical], f"{mapping.file}: ", spot)
        aliases = item.get(mapping.aliases, [])
        if not isinstance(aliases, list) or not _are_texts(aliases):
            hint = f'"{mapping.aliases}" is a list of texts'
            raise wrong(spot, f"{what}: the aliases of {canonical!r} are no list of texts", hint)
        if canonical in seen:
            raise wrong(spot, f"{mapping.file}: {canonical!r} stands in it twice", "make one entry of the two")
        seen.add(canonical)
        yield canonical, tuple(aliases)
    if items and not any(mapping.aliases in item for item in items):
        members = list(dict.fromkeys(name for item in items for name in item))
        close = difflib.get_close_matches(mapping.aliases, members, n=1)
        hint = f"did you mean {close[0]}?" if close else "aliases= names the member that has the list of aliases"
        raise wrong(spot, f"no entry of {mapping.file} has {mapping.aliases}", hint)


def _checked(canonical: str, where: str, spot: Spot) -> str:
    if not canonical or looked_up(canonical, fold_case=False) != canonical:
        what = f"{where}the canonical value {canonical!r} is empty or has blanks around it"
        raise wrong(spot, what, "blanks are stripped before a value is looked up: write it without")
    return canonical


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _items(mapping: JsonMapping, directory: Path, spot: Spot) -> list[Any]:
    """The list of entries. Raises SchemaError with the file's name."""
    path = directory / mapping.file
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise wrong(spot, f"{mapping.file} is no file", "name a file beside the schema module")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "its name is relative to the schema module"
        raise wrong(spot, f"{mapping.file} can't be read: {error.strerror}", hint) from error
    except RecursionError as error:
        hint = "the list of entries stands in it, or under one member of its object"
        raise wrong(spot, f"{mapping.file} can't be read: its lists are nested too deeply", hint) from error
    except ValueError as error:
        raise wrong(spot, f"{mapping.file} is no JSON: {error}", "correct the file") from error
    found = content
    if mapping.items is not None:
        found = content.get(mapping.items) if isinstance(content, dict) else None
    if not isinstance(found, list):
        what = f'no list under "{mapping.items}"' if mapping.items is not None else "no list"
        raise wrong(spot, f"{mapping.file} has {what}", "items= names the member that has the list of entries")
    return found
