"""What steps are called, where more than one place has to know it."""

from __future__ import annotations

START_RECORDING = "start recording"
STOP_RECORDING = "stop recording"
RAISE_FENCE = "raise the fence"
LOWER_FENCE = "lower the fence"
RETIRE = "retire"
READY = "make ready"  # behind this step the application is in the new database
ENDING = (READY, STOP_RECORDING)  # the steps behind which a migration is over
