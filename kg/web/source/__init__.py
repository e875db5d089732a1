"""Route `/source`: the source table as printed, cell by cell, with the values read from it.

`printed_page` reads rows and cells with their readings, corrections and issues; `routes` serves them as pages. Other
pages link to a cell by `presenter.SourcePlace`.
"""

from kg.web.source.routes import router as router
