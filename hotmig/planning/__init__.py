"""Pure planning: two catalogs and the module's declarations give a plan, findings, and questions to the data."""
