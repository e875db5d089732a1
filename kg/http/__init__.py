"""HTTP for every route: negotiation, validators, caching, the SPARQL protocol, templates, queries."""
