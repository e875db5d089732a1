"""A user's table and the graph: finds in a release what each cell of a column names, and says so beside it.

`reading` tells what kind of file there is, `text` and `workbook` read and write one kind each, `linker` asks the
search index.
"""
