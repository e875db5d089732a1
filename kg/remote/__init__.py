"""A store elsewhere: any SPARQL 1.1 endpoint that holds a release, asked and filled over HTTP.

What engines do differently is in one file each: `oxigraph`, `virtuoso`, and `generic` for all others.
"""
