"""The work of a build that processes share: documents, chunks of the graph, editions; each by itself, in any order."""
