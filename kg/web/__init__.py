"""The site: every route but `/reconcile`, and the pages that people read, in Japanese and English.

Server-rendered, nothing from other sites, everything escaped. No page needs a script. Links are relative, so that the
site works under any address and behind any prefix.
"""
