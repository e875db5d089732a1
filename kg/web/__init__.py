"""The website: all routes except `/reconcile`, and the HTML pages in Japanese and English.

Pages are rendered on the server, load nothing from other sites, escape all values, and need no script. Links are
relative, so that the site works under any host and prefix.
"""
