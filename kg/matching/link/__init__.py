"""Table linker (`kg link`): matches the cells of a column with entities of a release, and adds these to the table.

`linker` has the interface for the command line: `open_table`, `link` and `write_table`. `cell_matcher` matches one
cell, and `csv_table` and `xlsx_table` read and write the file types.
"""
