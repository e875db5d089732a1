"""`/docs`: the Markdown files of docs/ as pages in both languages, and as they are written."""

from kg.web.docs.routes import router as router
