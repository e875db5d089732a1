"""The guide at `/docs`: the Markdown files of docs/ as pages in both languages, and as they are written.

`shelf` knows which files there are and where a link between them leads, `rendering` makes HTML of Markdown, `routes`
answers.
"""

from kg.guide.routes import router as router
