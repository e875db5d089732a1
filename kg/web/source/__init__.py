"""`/source`: the table as printed, cell by cell, beside what was read from it."""

from kg.web.source.routes import router as router
