"""Route `/browse`: the list of measures, filtered by facets, sorted and searched; as a page, CSV, JSON, and as a query.

`filters` parses the parameters of a view and writes its query, `facet_index` counts measures by facet in memory,
`browse_page` presents a view, `routes` serves it. Other pages link to views by `filters.Selection`.
"""

from kg.web.browse.routes import router as router
