"""Full-text search and name matching: one index over the names and texts of a graph, shared by many threads.

    build(store, file)                      build an index from the results of the stored search queries
    index = Index.open(file)                open it read-only; closed with the process or by close()
    index.find("防災 Wi-Fi", limit=10)       ranked hits with marked snippets, and facets with counts
    Matcher(index).candidates("経産省")      entities that a name may mean, with explained scores
    Matcher(index).resembles(paragraph)     measures similar to a text, with the shared words

All IRIs in arguments and results are those of this process (`kg.core.iris`).
"""

from kg.search.index import Index as Index
from kg.search.index import local as local
from kg.search.index_builder import build as build
from kg.search.matcher import Matcher as Matcher
from kg.search.results import Candidate as Candidate
from kg.search.results import FacetValue as FacetValue
from kg.search.results import Hit as Hit
from kg.search.results import ScorePart as ScorePart
from kg.search.results import SearchResult as SearchResult
from kg.search.results import SearchTimeout as SearchTimeout
from kg.search.results import SimilarEntity as SimilarEntity
from kg.search.results import TextPiece as TextPiece
