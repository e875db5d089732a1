"""Table linker: finds in a release what each cell of a column names, and adds it to the table."""
