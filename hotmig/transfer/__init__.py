"""The new side: the file that is being built, filled, caught up and proved."""
