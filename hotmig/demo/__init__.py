"""The demonstration: a shop that is migrated while its application writes."""
