"""The benchmark: hotmig and what one would do otherwise, in turn, beside an application that writes."""
