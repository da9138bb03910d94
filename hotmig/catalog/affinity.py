"""What a column does to a value that is stored in it, said in SQL."""

from __future__ import annotations

from hotmig.catalog.model import Affinity, Column, Table, affinity

# An INTEGER or NUMERIC column turns a REAL without fraction into an INTEGER inside -2^63 … 2^63, both left out.
_EXACT_INTEGER = "{0} > -9223372036854775808.0 AND {0} < 9223372036854775808.0 AND CAST({0} AS INTEGER) = {0}"

# What typeof() says of the values that a column of that type takes in a STRICT table, beside NULL; ANY takes all.
STRICT_KINDS = {"INT": "integer", "INTEGER": "integer", "REAL": "real", "TEXT": "text", "BLOB": "blob"}


def column_affinity(table: Table, column: Column) -> Affinity:
    """The affinity of one column; ANY means something else in a STRICT table."""
    return affinity(column.type, strict=table.strict)


def stored(expression: str, target: Affinity, source: Affinity | None = None) -> str:
    """The value of ``expression`` as a column of affinity ``target`` keeps it.

    ``source`` is the affinity that the value was already stored under, None for a computed value.
    Comparing a text with ``CAST(… AS NUMERIC)`` applies numeric affinity to it, so it says whether the text is a
    number as a whole: '12' is, '12abc' is not (https://sqlite.org/datatype3.html, 3 and 4.2).
    """
    numeric = ("INTEGER", "NUMERIC")  # the two differ in CAST only
    if target in ("BLOB", source) or (target in numeric and source in numeric):
        return expression
    x = f"({expression})"
    if target == "TEXT":
        return f"CASE WHEN typeof{x} IN ('integer', 'real') THEN CAST({x} AS TEXT) ELSE {x} END"
    is_number = f"typeof{x} = 'text' AND +{x} = CAST({x} AS NUMERIC)"
    if target == "REAL":
        # Adding 0.0 makes 0.0 of -0.0, which a REAL column cannot keep.
        return (
            f"CASE WHEN typeof{x} IN ('integer', 'real') THEN CAST({x} AS REAL) + 0.0"
            f" WHEN {is_number} THEN CAST({x} AS REAL) + 0.0 ELSE {x} END"
        )
    number = f"CASE WHEN {is_number} THEN CAST({x} AS NUMERIC) ELSE {x} END" if source in (None, "TEXT", "BLOB") else x
    return (
        f"(SELECT CASE WHEN typeof(v) = 'real' AND {_EXACT_INTEGER.format('v')} THEN CAST(v AS INTEGER) ELSE v END"
        f" FROM (SELECT {number} AS v))"
    )
