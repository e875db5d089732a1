"""Reconciliation Service API 0.2 (W3C Entity Reconciliation Community Group), for OpenRefine and other clients.

`request_parser` validates requests, `batch_matcher` answers batches of queries, `data_extension` returns values of
properties and suggestions. The server adds `routes.router` to its application.
"""
