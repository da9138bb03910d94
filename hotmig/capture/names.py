"""The names of everything that recording puts into the old database."""

from __future__ import annotations

MARKER = "_migration_marker"
LOG = "_migration_log"
RETIRED = "_migration_retired"
CAPTURE = "_migration_capture_"
FENCE = "_migration_fence_"
