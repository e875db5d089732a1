"""The content of a release: graph, dumps, tables, metadata, and its validation by SHACL."""
