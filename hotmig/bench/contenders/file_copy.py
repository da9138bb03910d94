"""The limit of any copy: the bytes of the file, and a sync."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hotmig.bench.contenders import ALL, Job

CHANGES = ALL
NEEDS = ()


def run(job: Job) -> Path:
    """Copies the file alone, without its log: a measure, and no way to copy a live database."""
    shutil.copyfile(job.database, job.new_file)
    with job.new_file.open("rb") as copied:
        os.fsync(copied.fileno())
    return job.new_file
