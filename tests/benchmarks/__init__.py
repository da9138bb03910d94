"""The benchmarks: run by hand, ``python -m tests.benchmarks``; nothing here is a timed test."""
