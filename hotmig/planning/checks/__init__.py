"""Every refusal, one a file. They are found by looking into this package: a new file needs no list to be kept."""

from __future__ import annotations

import importlib
import pkgutil

from hotmig.planning.checking import Context, registered
from hotmig.planning.model import Finding, Probe, Severity

_RANK: dict[Severity, int] = {"block": 0, "warn": 1, "note": 2}

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")


def probes(context: Context) -> tuple[Probe, ...]:
    """The questions of all checks, to be put to the old database and handed back as ``context.answers``."""
    return tuple(probe for check in registered() if check.probes is not None for probe in check.probes(context))


def findings(context: Context) -> tuple[Finding, ...]:
    """What all checks say: blocking findings first, then by table in copy order."""
    found = [finding for check in registered() for finding in check.findings(context)]
    order = {step.table.name: step.number for step in context.plan.steps}
    return tuple(sorted(found, key=lambda each: (_RANK[each.severity], order.get(each.table or "", 0), each.check)))
