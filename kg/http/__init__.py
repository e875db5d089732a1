"""HTTP layer of every route: negotiation, validators, caching, the SPARQL protocol, page templates, query client."""
