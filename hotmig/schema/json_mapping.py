"""``from_json``: canonical values and their aliases in a file beside the schema module.

The file is read when hotmig loads the module, not when an application imports it: an application needs no registry.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hotmig.schema.places import Spot, written


@dataclass(frozen=True)
class JsonMapping:
    """Where the entries stand in the file, and what in each of them is the canonical value and its aliases.

    ``spot`` is where it was written, None where nobody knows.
    """

    file: str
    items: str | None
    canonical: str
    aliases: str
    spot: Spot | None = field(default=None, compare=False)


def from_json(file: str, *, items: str | None = None, canonical: str, aliases: str) -> JsonMapping:
    """Aliases from a JSON file, whose name is relative to the schema module.

    ``items`` is the member of the file's object that has the list of entries; without it the file is the list itself.
    In each entry ``canonical`` names the member with the canonical value, ``aliases`` the one with the list of its
    aliases, which may be missing.
    """
    return JsonMapping(file, items, canonical, aliases, written())
