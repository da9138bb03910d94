"""Results as a person reads them, and as JSON."""
