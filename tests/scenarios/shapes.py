"""All shapes by name."""

from __future__ import annotations

from tests.scenarios import shapes_alike, shapes_conflicts, shapes_keys, shapes_relations, shapes_rules
from tests.scenarios.shape import Shape

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        *shapes_keys.SHAPES,
        *shapes_conflicts.SHAPES,
        *shapes_relations.SHAPES,
        *shapes_rules.SHAPES,
        *shapes_alike.SHAPES,
    )
}
