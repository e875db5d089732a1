"""What a page shows of a graph: facts by property, in the words of one language, each value as text or as a link."""

from kg.web.presented_values import Correction as Correction
from kg.web.presented_values import Fact as Fact
from kg.web.presented_values import Issue as Issue
from kg.web.presented_values import Place as Place
from kg.web.presented_values import Section as Section
from kg.web.presented_values import Value as Value
from kg.web.statement_presenter import DERIVED as DERIVED
from kg.web.statement_presenter import TYPE as TYPE
from kg.web.statement_presenter import Facts as Facts
