"""Any result dataclass, as JSON and as plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any


def to_json(value: Any) -> Any:
    """What JSON can hold: dataclasses become objects, paths become text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [to_json(item) for item in value]
    return str(value) if isinstance(value, Path | bytes) else value


def to_lines(result: Any) -> Iterator[str]:
    """``label  value`` for each fact that is there, labels padded to one width."""
    facts = {
        name.replace("_", " "): value for name, value in to_json(result).items() if value not in (None, [], {}, "")
    }
    width = max(map(len, facts), default=0)
    for label, value in facts.items():
        yield f"{label:<{width}}  {_said(value)}"


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_said(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
