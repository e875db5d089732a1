"""Route `/source`: the source table as printed, cell by cell, with the values read from it."""

from kg.web.source.routes import router as router
