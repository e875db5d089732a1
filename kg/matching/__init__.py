"""Entity matching for other people's data: the reconciliation API and the table linker."""
