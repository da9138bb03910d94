"""Whether the new tables take what rules for several rows make: asked of a rehearsal, before anything is done."""
