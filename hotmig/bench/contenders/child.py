"""One contender in a process of its own: prints, as JSON, how long the work took and where its result is.

    python -m hotmig.bench.contenders.child 'VACUUM INTO' JOB

The time is that of the work alone: what it takes to import a rival is not held against it.
"""

from __future__ import annotations

import json
import sys
import time

from hotmig.bench.contenders import job_of_text, module_of


def main() -> None:
    name, job = sys.argv[1], job_of_text(sys.argv[2])
    run = module_of(name).run
    began = time.monotonic()
    result = run(job)
    print(json.dumps({"began": began, "seconds": time.monotonic() - began, "result": str(result)}))


if __name__ == "__main__":
    main()
