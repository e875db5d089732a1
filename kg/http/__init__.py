"""HTTP layer shared by all routes: content negotiation, conditional requests, caching, page templates, query client.

`responses` negotiates and builds the representations of a document, `conditional_requests` has validators and the
values of `Cache-Control`, `query_client` runs queries for routes, `templates` renders pages. `sparql_endpoint` is the
SPARQL endpoint, and the source of `Refusal`, which every route raises to refuse a request.
"""
