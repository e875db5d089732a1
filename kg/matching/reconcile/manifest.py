"""What a reconciliation service says about itself (Reconciliation Service API 0.2, section 3.1)."""

from collections.abc import Mapping

from kg import __version__
from kg.core.iris import ID, ONTOLOGY, PREFIXES
from kg.matching.reconcile.data_extension import SETTINGS
from kg.matching.reconcile.request_parser import BATCH
from kg.matching.reconcile.type_registry import Term, Vocabulary

WIDTH, HEIGHT = 430, 300  # of a preview, in pixels
# What people mostly look for; a service without any of these offers the types of most of its things.
_USUAL = (
    *(PREFIXES["shisaku"] + "Measure", PREFIXES["org"] + "FormalOrganization", PREFIXES["shisaku"] + "Law"),
    *(PREFIXES["shisaku"] + "BudgetProgramme", PREFIXES["schema"] + "AdministrativeArea"),
    *(PREFIXES["shisaku"] + name for name in ("NamedEntity", "ReferenceDocument", "Kpi", "PlanMeasure")),
)
_MOST = 10


def manifest(site: str, path: str, query: str, vocabulary: Vocabulary, about: Mapping[str, str]) -> dict[str, object]:
    """Return the manifest of the service at a path of the site.

    `query` is what follows the addresses of the service, such as `?lang=en`; that of property proposals has nothing
    behind it, since OpenRefine adds its own question mark. `about` has `lang` and, where there are
    such, `version` of the release and the name of the `edition`.
    """
    lang, here = about["lang"], site + path
    beside = query.replace("?", "&", 1)

    def service(name: str, query: str = query) -> dict[str, str]:
        return {"service_url": here, "service_path": f"/{name}{query}"}

    released = f" (release {about['version']})" if about.get("version") else ""
    return {
        "versions": ["0.2"],
        "name": _name(lang, about.get("edition", "")),
        "identifierSpace": ID,
        "schemaSpace": ONTOLOGY,
        "documentation": site,
        "serviceVersion": f"{__version__}{released}",
        "batchSize": BATCH,
        "defaultTypes": [term.said(lang) for term in _default(vocabulary)],
        "view": {"url": f"{site}id/{{{{id}}}}"},
        "preview": {"url": f"{here}/preview?id={{{{id}}}}{beside}", "width": WIDTH, "height": HEIGHT},
        "suggest": {name: service(f"suggest/{name}") for name in ("entity", "property", "type")},
        "extend": {"propose_properties": service("properties", ""), "property_settings": _settings(lang)},
    }


def _name(lang: str, edition: str) -> str:
    name = "施策グラフ" if lang == "ja" else "Shisaku Graph: Japan's digital-policy measures"
    return f"{name} – {edition}" if edition else name


def _default(vocabulary: Vocabulary) -> list[Term]:
    """Return the types to offer first."""
    there = vocabulary.found
    return [there[iri] for iri in _USUAL if iri in there] or list(there.values())[:_MOST]


def _settings(lang: str) -> list[dict[str, object]]:
    t = 0 if lang == "ja" else 1
    choices = [("ja", ("日本語", "Japanese")), ("en", ("英語", "English")), ("all", ("すべて", "all"))]
    settings: list[dict[str, object]] = []
    for name, type, default, labels, help in SETTINGS:
        setting: dict[str, object] = {"name": name, "type": type, "label": labels[t], "help_text": help[t]}
        setting["default"] = lang if default is None else default
        if type == "select":
            setting["choices"] = [{"value": value, "name": names[t]} for value, names in choices]
        settings.append(setting)
    return settings
