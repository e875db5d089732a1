"""The records of the table: typed, frozen, each with its place in the document."""
