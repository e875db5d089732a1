"""Routes `/pictures` and `/quality`: charts of an edition, and completeness and certainty of its data.

`overview_queries` runs the stored queries behind both pages; `charts`, `network` and `quality` turn their results into
drawings and tables, without access to the store. `routes` serves the pages.
"""

from kg.web.overview.routes import router as router
