"""The list of all measures: narrowed by facets, sorted, searched; as a page, CSV, JSON, and the query that makes it.

facets      what measures are told apart by, each with its words and its conditions in SPARQL
choice      what an address asks for, in one canonical order, and what of it is not understood
table       which measure has which value, in memory: a bit for each
gathering   asks a store for that, edition by edition
question    the query that makes exactly a view
view        a view in the words of a page
finding     asks the search index for the measures that hold words
routes      the paths
"""

from kg.browse.finding import finder as finder
from kg.browse.routes import router as router
