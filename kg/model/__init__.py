"""Records of the table: typed, frozen, each with its place in the document.

`records` has their types. `assembler.read_document` makes them from a document, `reference_data.references_of` from the
recipe, and `assembler.read_revisions_and_plans` matches editions and local plans. `identifier_ledger` checks that each
identifier has the same meaning in every release.
"""
