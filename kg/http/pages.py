"""The pages that people read, in Japanese and English: server-rendered, nothing from other sites, everything escaped.

`view` is where a page stands, `filling` fills templates, `assets` are the files that pages load; the rest makes pages.
No page needs a script. Links are relative, so that the site works under any address and behind any prefix.
"""

from kg.http.page_context import LANGUAGES as LANGUAGES
from kg.http.page_context import Site as Site
from kg.http.page_context import View as View
from kg.http.page_context import language as language
from kg.http.page_context import named_language as named_language
from kg.http.templates import fill as fill
from kg.http.templates import headers as headers
