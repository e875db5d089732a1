"""Entity matching for the data of others: the reconciliation API (`reconcile`) and the table linker (`link`).

Both match names with `kg.search.Matcher` and take accompanying values as evidence. The server uses
`reconcile.routes.router`, the command line `link.linker`.
"""
