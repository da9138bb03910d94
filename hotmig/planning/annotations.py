"""A field as it stands in the schema module, with one marker more: a line to be written in its place."""

from __future__ import annotations

import ast

_SOURCES = ("From", "Was")  # where a value comes from is said once


def with_marker(declaration: str, marker: str) -> str | None:
    """``x: Annotated[int, Check("x > 0")] = 1`` with the marker among the others; None where it is no such line.

    A marker takes the place of one of its kind, and From and Was that of each other.
    """
    field = _parsed(declaration)
    if field is None or not isinstance(field.target, ast.Name):
        return None
    type_, markers, optional = _parts(declaration, field.annotation)
    kind = marker.partition("(")[0]
    replaced = _SOURCES if kind in _SOURCES else (kind,)
    kept = [text for text in markers if text.partition("(")[0].rpartition(".")[2] not in replaced]
    value = f" = {_text(declaration, field.value)}" if field.value is not None else ""
    return f"{field.target.id}: Annotated[{', '.join([type_, *kept, marker])}]{optional}{value}"


def with_orphans_null(declaration: str) -> str | None:
    """The field with ``orphans="null"`` in its References, and with a type that can be NULL."""
    field = _parsed(declaration)
    if field is None:
        return None
    type_, markers, optional = _parts(declaration, field.annotation)
    found = next((text for text in markers if text.startswith("References(")), "References()")
    arguments = [each for each in (found[len("References(") : -1].strip().rstrip(","),) if each]
    if "orphans=" not in found:
        arguments.append('orphans="null"')
    line = with_marker(declaration, f"References({', '.join(arguments)})")
    if line is None or optional or "None" in type_:
        return line
    if type_[0] in "\"'":  # "A" | None is no annotation
        return f"{line[: line.rindex(']') + 1]} | None{line[line.rindex(']') + 1 :]}"
    return line.replace(f"Annotated[{type_},", f"Annotated[{type_} | None,", 1)


def _parsed(declaration: str) -> ast.AnnAssign | None:
    try:
        (statement,) = ast.parse(declaration).body
    except (SyntaxError, ValueError):
        return None
    return statement if isinstance(statement, ast.AnnAssign) else None


def _parts(source: str, annotation: ast.expr) -> tuple[str, list[str], str]:
    """The type and the markers of an annotation, and the `` | None`` behind ``Annotated["A", …]``."""
    inner, optional = annotation, ""
    if isinstance(annotation, ast.BinOp) and _text(source, annotation.right) == "None":
        inner, optional = annotation.left, " | None"
    if isinstance(inner, ast.Subscript) and _text(source, inner.value).rpartition(".")[2] == "Annotated":
        parts = inner.slice.elts if isinstance(inner.slice, ast.Tuple) else [inner.slice]
        type_, *markers = (_text(source, part) for part in parts)
        return type_, markers, optional
    return _text(source, annotation), [], ""


def _text(source: str, node: ast.expr) -> str:
    """The source of a node, on one line."""
    return " ".join((ast.get_source_segment(source, node) or "").split())
