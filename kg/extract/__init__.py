"""Parser of the printed table: lines, columns, and each kind of cell; every character keeps its place.

`line_classifier.rows_of` gives the rows of a document, `columns.read_columns` the columns of a row; one module parses
each kind of cell: `kpis.read_kpis`, `periods.parse_listing_time`, `entity_finder.organizations_of`,
`references.references_of`. Only `kg.model` imports these names; `kg.rdf` imports `numerals.format_decimal`.
"""
