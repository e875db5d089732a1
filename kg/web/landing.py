"""Routes of the first page with its statistics, of the page `/about`, and of the static assets.

The queries of the first page run once, since a release is immutable. It counts resources by class, offers entry points
for browsing, and shows an example query with its result.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from kg.core.iris import BASE, ID, ONTOLOGY
from kg.core.labels import Labels, preferred
from kg.core.release import GRAPH, MEDIA_TYPES, N_QUADS, WORKBOOK, Release, dataset_iri
from kg.http import templates
from kg.http.conditional_requests import Validators
from kg.http.query_client import Row, RunQuery, StoredQueries, fetch_names, fetch_rows, query_text
from kg.http.responses import html_response, link, path_of, view_of
from kg.http.sparql_endpoint import Refusal, unless_not_modified
from kg.http.templates import View, render
from kg.web import discovery
from kg.web.resource_routes import labels_of

# The example query of the page.
EXAMPLE = f"""\
PREFIX shisaku: <{ONTOLOGY}>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>

SELECT ?measure ?number ?title ?value ?unit ?due
WHERE {{
  ?measure shisaku:measureNumber ?number ;
    dcterms:title ?title ;
    shisaku:kpi/shisaku:target ?target .
  ?target shisaku:targetRole <{ID}target-role/target> ;
    shisaku:value ?value ;
    shisaku:unit/skos:prefLabel ?unit ;
    shisaku:period/rdfs:label ?due .
  FILTER(LANG(?title) = "ja" && LANG(?unit) = "ja" && LANG(?due) = "ja")
}}
ORDER BY DESC(?value) ?number
LIMIT 5
"""
_KINDS = "SELECT ?class (COUNT(?thing) AS ?things) WHERE { ?thing a ?class } GROUP BY ?class ORDER BY DESC(?things)"
# Classes to count, in the order of the page; for other data, the classes with the most instances.
_COUNTED = {
    "Measure": ("施策", "measures"),
    "Kpi": ("KPI", "KPIs"),
    "Target": ("目標・現状値", "targets and baselines"),
    "BudgetProgramme": ("予算事業", "budget programmes"),
    "ReferenceDocument": ("参考資料", "documents"),
    "NamedEntity": ("計画・制度など", "plans and systems"),
    "Correction": ("訂正", "corrections"),
    "Doubt": ("疑義のある箇所", "doubtful readings"),
    "SourceCell": ("原典のセル", "source cells"),
}
_MOST = 7
# Of one edition: its measures, what belongs to them, and their source cells with corrections.
# A correction without a corrected text is a doubtful reading, left as printed.
_OF_EDITION = f"""PREFIX shisaku: <{ONTOLOGY}>
SELECT ?class (COUNT(DISTINCT ?thing) AS ?things) {{
  VALUES ?edition {{ <%s> }}
  {{ ?thing shisaku:edition ?edition }}
  UNION {{ ?measure shisaku:edition ?edition ; shisaku:kpi/shisaku:target? ?thing }}
  UNION {{
    ?measure shisaku:edition ?edition ;
      shisaku:budgetProgramme|shisaku:referenceDocument|shisaku:mentionsEntity ?thing .
  }}
  UNION {{ ?row <http://purl.org/dc/terms/isPartOf> ?edition ; shisaku:cell/shisaku:correction? ?thing }}
  ?thing a ?class .
}} GROUP BY ?class"""
# The stored queries linked on the page.
_OFFERED = (
    *("targets-by-deadline", "kpis-without-target", "measures-containing-a-word", "pairs-of-ministries"),
    *("measures-with-uncertain-effects", "corrections-applied", "coverage-by-column"),
)
# Entry points for browsing: a stored query, its variable for the resource, and the prefix of those for its names.
_BROWSED = {
    "pillars": ("measures-by-pillar", "pillar", "pillar"),
    "organizations": ("measures-by-lead-organization", "organization", "name"),
}


@dataclass(frozen=True)
class EntryPoint:
    """An entry point for browsing: IRI, names by language, number of measures."""

    iri: str
    names: Row
    measures: int


@dataclass(frozen=True)
class LandingData:
    """Query results of the first page; all of them may be empty."""

    counts: Row = field(default_factory=dict)
    editions: Sequence[str] = ()
    names: Row = field(default_factory=dict)
    entries: dict[str, list[EntryPoint]] = field(default_factory=dict)
    answers: dict[str, list[Row]] = field(default_factory=dict)


class LandingPage:
    """The first page of one graph of `size` triples."""

    def __init__(self, run_query: RunQuery, labels: Labels, size: int, stored: StoredQueries) -> None:
        self._run_query, self._labels, self._size, self._stored = run_query, labels, size, stored
        self._figures: asyncio.Future[LandingData] | None = None

    async def text(self, view: View, dataset: str = "") -> str:
        """Return the page; `dataset` is JSON-LD, escaped for HTML."""
        if self._figures is None:
            self._figures = asyncio.ensure_future(self._run_queries())
        try:
            figures = await asyncio.shield(self._figures)
        except Exception:
            self._figures = None  # the next visitor retries
            raise
        queries, newest = [*self._stored.by_name.values()], next(iter(figures.editions), "")
        return render(
            "landing.html",
            view,
            queries=queries,
            offered=[query for name in _OFFERED for query in queries if query.name == name],
            dataset=dataset,
            figures=self._statistics(figures.counts, view),
            editions=len(figures.editions),
            edition=path_of(newest) if newest else "",
            edition_name=preferred(figures.names, view.lang),
            entries={way: [_entry(entry, view) for entry in listed] for way, listed in figures.entries.items()},
            example=example_query(view.lang, figures.editions),
            answer=[{**row, "path": path_of(row["measure"])} for row in figures.answers[view.lang]],
        )

    async def _run_queries(self) -> LandingData:
        """Run the queries of the page sequentially, so that they do not occupy all workers."""
        editions = await self._stored.editions()
        if editions:
            counts = {
                row["class"]: row["things"] for row in await fetch_rows(self._run_query, _OF_EDITION % editions[0])
            }
        else:
            counts = {row["class"]: row["things"] for row in await fetch_rows(self._run_query, _KINDS)}
        if ONTOLOGY + "Correction" in counts:
            about = {"edition": editions[:1]} if editions else {}
            counts |= _split_corrections(
                counts, len(await fetch_rows(self._run_query, query_text("corrections-applied", **about)))
            )
        ours = any(iri.startswith(ONTOLOGY) for iri in counts)
        entries = {way: await self._entries(*what) if ours else [] for way, what in _BROWSED.items()}
        answers = {
            lang: await fetch_rows(self._run_query, example_query(lang, editions)) if ours else []
            for lang in ("ja", "en")
        }
        names_by_iri = await fetch_names(self._run_query, editions[:1])
        return LandingData(
            counts, editions, dict(names_by_iri.get(editions[0], {})) if editions else {}, entries, answers
        )

    async def _entries(self, name: str, thing: str, stem: str) -> list[EntryPoint]:
        query = (await self._stored.for_newest_edition()).get(name)
        if query is None:  # a curator may have deleted it
            return []
        return [
            EntryPoint(row[thing], {lang: row.get(f"{stem}_{lang}", "") for lang in ("ja", "en")}, int(row["measures"]))
            for row in await fetch_rows(self._run_query, query.text)
            if thing in row
        ]

    def _statistics(self, counts: Row, view: View) -> list[tuple[str, str]]:
        """Return the statistics with their labels; for other data, by the labels of its classes."""
        ours = {key: counts[ONTOLOGY + key] for key in _COUNTED if ONTOLOGY + key in counts}
        counted = [(ours[key], view.t(*_COUNTED[key])) for key in ours]
        if not ours:
            counted = [(count, self._labels.of(iri, view.lang)) for iri, count in counts.items()][:_MOST]
        return [*counted, (str(self._size), view.t("トリプル", "triples"))]


def _split_corrections(counts: Row, corrected: int) -> Row:
    """Return separate counts of corrections that change a text and of doubtful readings."""
    noted = int(counts.get(ONTOLOGY + "Correction", 0))
    apart = {"Correction": corrected, "Doubt": noted - corrected}
    return {ONTOLOGY + name: str(number) for name, number in apart.items() if noted and number}


def example_query(lang: str, editions: Sequence[str] = ()) -> str:
    """Return the example query in a language, restricted to the newest edition if there are several."""
    about = f"  ?measure shisaku:edition <{editions[0]}> ;\n    shisaku:measureNumber" if len(editions) > 1 else ""
    query = EXAMPLE.replace("  ?measure shisaku:measureNumber", about, 1) if about else EXAMPLE
    return query.replace('"ja"', f'"{lang}"')


def _entry(entry: EntryPoint, view: View) -> tuple[str, str, int]:
    """Return path, name and number of measures of an entry point."""
    name = preferred({lang: text for lang, text in entry.names.items() if text}, view.lang)
    return path_of(entry.iri), name or entry.iri, entry.measures


def router(run_query: RunQuery, release: Release | None, total: int, stored: StoredQueries) -> APIRouter:
    """Return these routes, for a graph of `total` triples."""
    routes = APIRouter()
    card = discovery.DatasetCard(run_query, dataset_iri(release.version)) if release else None
    first = LandingPage(run_query, labels_of(release), total, stored)

    @routes.get("/", include_in_schema=False)
    async def landing(request: Request) -> Response:
        view = view_of(request)
        dataset = await card.text(view.lang) if card else ""
        scripts = [discovery.script_hash(dataset)] if dataset else []
        response = html_response(await first.text(view, dataset), view, scripts=scripts)
        if release:
            response.headers["Link"] = ", ".join(_signposts(release))
        return response

    @routes.get("/about", include_in_schema=False)
    async def about(request: Request) -> Response:
        view = view_of(request)
        return html_response(render("about.html", view), view)

    @routes.get("/static/{path:path}", include_in_schema=False)
    async def static(request: Request, path: str) -> Response:
        return _asset_response(request, path)

    return routes


def _signposts(release: Release) -> Iterator[str]:
    """Yield the links from the first page to identifier, vocabulary and files (signposting.org)."""
    folder = f"./release/{quote(release.version)}/"
    yield link(BASE, "cite-as")
    yield link("https://schema.org/Dataset", "type")
    yield link("https://creativecommons.org/licenses/by/4.0/", "license")
    yield link("./catalog.ttl", "describedby", "text/turtle")
    yield link("./catalog.jsonld", "describedby", "application/ld+json")
    yield from (link(f"{folder}{name}", "item", MEDIA_TYPES[Path(name).suffix]) for name in (GRAPH, N_QUADS, WORKBOOK))


def _asset_response(request: Request, path: str) -> Response:
    """Return a static asset; immutable at the URL with its digest."""
    match = templates.find_asset(path)
    if match is None:
        raise Refusal(404, f"there is no static file {path}")
    asset, lasting = match
    validators = Validators(f'"{asset.digest}"')
    headers = {"Content-Type": asset.content_type, "Cache-Control": lasting, **validators.headers()}
    return unless_not_modified(request, validators, Response(asset.content, headers=headers))
