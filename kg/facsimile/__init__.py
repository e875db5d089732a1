"""The source page: the table as printed, cell by cell, beside what was read from it.

printed     the rows and cells of a page, what was read from them, and what was decided there
spans       a printed text cut where something begins or ends: a name, a KPI, a correction
asking      asks a store for all that
routes      the paths: an edition, a page of its document, a row
"""

from kg.facsimile.routes import router as router
