"""Parser of the printed table: lines, columns, and each kind of cell; every character keeps its place."""
