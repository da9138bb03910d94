"""A catalog as JSON and back, so that a later command knows what was planned from."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hotmig.catalog.model import Catalog


def dump(catalog: Catalog) -> str:
    """The catalog as JSON, everything in it as it is."""
    return json.dumps(asdict(catalog), ensure_ascii=True, separators=(",", ":"))


def parse(dumped: str) -> Catalog:
    """The catalog that ``dump`` wrote."""
    catalog: Catalog = _built(Catalog, json.loads(dumped))
    return catalog


def _built(kind: Any, data: Any) -> Any:
    if isinstance(kind, UnionType):
        return None if data is None else _built(next(arm for arm in get_args(kind) if arm is not NoneType), data)
    if get_origin(kind) is tuple:
        return tuple(_built(get_args(kind)[0], item) for item in data)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: _built(hints[field.name], data[field.name]) for field in fields(kind)})  # type: ignore[operator]
    return data
