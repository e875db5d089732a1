"""The website: all routes except `/reconcile`, and the HTML pages in Japanese and English.

Each module with routes has a function `router`, which `kg.server.app` includes. Pages are rendered on the server, load
nothing from other sites, escape all values, and need no script; links are relative, so that the site works under any
host and prefix. Reconciliation uses `presenter`, `resource_queries` and `search_routes.SearchExecutor` as well, the
command line `citations` and `change_page`.
"""
