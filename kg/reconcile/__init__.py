"""The Reconciliation Service API 0.2 (W3C Entity Reconciliation Community Group), as OpenRefine and others speak it.

vocabulary   types and properties, by the names that clients use for them
asked        what a batch of queries or a data extension asks
known        what the graph says of things: names, types, values of properties
evidence     how well values that a client gives agree with those of a candidate
matching     a batch of queries, answered by the matcher and by evidence
suggesting, extending, preview, manifest    the other services of a reconciliation service
routes       the paths
"""
