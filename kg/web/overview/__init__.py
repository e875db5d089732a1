"""`/pictures` and `/quality`: charts of an edition, and completeness and certainty of its data."""

from kg.web.overview.routes import router as router
