"""Records of the table: typed, frozen, each with its place in the document.

`assembler` makes them from cells; `identifier_ledger` keeps identifiers stable between releases.
"""
