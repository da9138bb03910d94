"""Faults: full and broken disks, damaged and odd files, other users.

A command under a fault is a process of its own. What must hold behind it is in harness.py: exit code, one error and one
hint, the old database whole and writable, status that knows the way on, and every row at its end. They are counted as
they are met, and their number is printed at the end of pytest's output.
"""
