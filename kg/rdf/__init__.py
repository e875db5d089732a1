"""The content of a release: graph, dumps, tables, metadata, and its validation by SHACL.

`measure_graph.triples` gives the graph of some records, `document_parts` the parts of a build and their merge, and
`dump_serializers` the dumps. `release_files` and `dcat` describe a release. `kg validate` uses
`shacl_validator.validate`; everything else is used by `kg.builder`.
"""
