"""What a page shows of a graph: facts by property, in the words of one language, each value as text or as a link."""

from kg.facts.shown import Correction as Correction
from kg.facts.shown import Fact as Fact
from kg.facts.shown import Issue as Issue
from kg.facts.shown import Place as Place
from kg.facts.shown import Section as Section
from kg.facts.shown import Value as Value
from kg.facts.statements import DERIVED as DERIVED
from kg.facts.statements import TYPE as TYPE
from kg.facts.statements import Facts as Facts
