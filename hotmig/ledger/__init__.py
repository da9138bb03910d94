"""Runs and steps: what every command that changes something was about to do, and what came of it."""
