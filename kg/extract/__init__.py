"""Reading the printed table: lines, columns, and what stands in each kind of cell."""
