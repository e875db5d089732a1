"""Plans of local governments and their measures, each with the row it was read from and what it cites."""

from collections.abc import Iterable

from kg.core import iris
from kg.model.linked_records import LocalMeasure
from kg.rdf.graph_builder import Graph
from kg.recipe.local_plans import DESCRIPTION, FOLDER, LocalPlan


def describe_plans(graph: Graph, plans: Iterable[LocalPlan], measures: Iterable[LocalMeasure]) -> None:
    """State the plans, and what each of their measures says and cites."""
    files = {}
    for plan in plans:
        folder = f"build/{FOLDER}/{plan.file.parent.name}"
        files[plan.key] = f"{folder}/{plan.file.name}"
        described = plan.described
        about = graph.about(iris.shared("local-plan", plan.key)).a("shisaku:LocalPlan")
        about.text("dcterms:title", described["title_ja"], "ja").text("dcterms:title", described["title_en"], "en")
        about.text("dc:publisher", described["government_ja"], "ja").text(
            "dc:publisher", described["government_en"], "en"
        )
        about.text("dcterms:identifier", plan.key).text("shisaku:areaCode", described.get("area_code", ""))
        about.to("dcterms:license", described.get("licence", "")).to("foaf:page", described.get("page", ""))
        about.to("dcterms:references", iris.edition(plan.edition))
        row = iris.shared("recipe", f"{FOLDER}/{plan.key}")
        graph.about(row).a("shisaku:RecipeRow").text("shisaku:file", f"{folder}/{DESCRIPTION}")
        about.to("prov:wasDerivedFrom", row)
    for measure in measures:
        _measure(graph, measure, files[measure.plan])


def _measure(graph: Graph, measure: LocalMeasure, file: str) -> None:
    about = graph.about(measure.iri).a("shisaku:LocalMeasure")
    about.to("shisaku:localPlan", iris.shared("local-plan", measure.plan))
    about.text("dcterms:title", measure.title, "ja").text("dcterms:identifier", measure.number)
    about.text("dcterms:description", measure.description, "ja").text("shisaku:department", measure.department, "ja")
    about.text("shisaku:schedule", measure.schedule, "ja").text("shisaku:citedAs", measure.cited_as)
    about.to("shisaku:citesMeasure", *measure.cites)
    row = iris.shared("recipe", f"{FOLDER}/{measure.plan}/line-{measure.line}")
    graph.about(row).a("shisaku:RecipeRow").text("shisaku:file", file).number("shisaku:fileLine", measure.line)
    about.to("prov:wasDerivedFrom", row)
