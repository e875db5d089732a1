"""Route `/browse`: the list of measures, filtered by facets, sorted, searched; as a page, CSV, JSON, and as a query."""

from kg.web.browse.routes import router as router
