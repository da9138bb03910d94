"""``python -m tests.faults``: how many faults, and how many refusals, the suite has."""

from tests.faults import refused, survived

print(f"faults survived: {survived()}")
print(f"inputs refused: {refused()}")
