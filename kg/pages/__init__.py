"""The pages that people read, in Japanese and English: server-rendered, nothing from other sites, everything escaped.

`view` is where a page stands, `filling` fills templates, `assets` are the files that pages load; the rest makes pages.
No page needs a script. Links are relative, so that the site works under any address and behind any prefix.
"""

from kg.pages.filling import fill as fill
from kg.pages.filling import headers as headers
from kg.pages.view import LANGUAGES as LANGUAGES
from kg.pages.view import Site as Site
from kg.pages.view import View as View
from kg.pages.view import language as language
from kg.pages.view import named_language as named_language
