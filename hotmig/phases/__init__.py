"""One command, one file: no click, no printing; each returns a dataclass that says what it did."""
