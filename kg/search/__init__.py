"""Search and matching: one index over the names and texts of a graph, made with a release and read by many threads.

    build(store, file)                      what the stored queries of search say of a graph becomes an index
    index = Index.open(file)                read-only; closed with the process or by close()
    index.find("防災 Wi-Fi", limit=10)       ranked hits with marked snippets, and facets with counts
    Matcher(index).candidates("経産省")      which thing a name means: candidates with scores that explain themselves
    Matcher(index).resembles(paragraph)     which measures a text resembles, and by which words

All IRIs that go in and come out are in the names of this process (`kg.core.iris`).
"""

from kg.search.index import Index as Index
from kg.search.index import local as local
from kg.search.index_builder import build as build
from kg.search.matcher import Matcher as Matcher
from kg.search.results import Candidate as Candidate
from kg.search.results import Facet as Facet
from kg.search.results import Found as Found
from kg.search.results import Hit as Hit
from kg.search.results import Part as Part
from kg.search.results import Piece as Piece
from kg.search.results import Resembling as Resembling
from kg.search.results import SearchTimeout as SearchTimeout
