"""Writes the pages of docs/ that say what the code says: reference, terms and messages, in both languages.

    .venv/bin/python tests/docs/reference.py

A test compares them with what this makes, so a change of an option, a path, a table or a term is a change of a page.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import click  # noqa: E402
from rdflib import OWL, RDF, RDFS, SKOS, Graph, Namespace, URIRef  # noqa: E402

from kg.cli import main as kg  # noqa: E402
from kg.cli.help_catalogue import command_help, option_help  # noqa: E402
from kg.core.iris import ONTOLOGY  # noqa: E402
from kg.core.paths import project_folders  # noqa: E402
from kg.core.release import Release  # noqa: E402
from tests.docs.spoken import PROBLEM, in_japanese, messages  # noqa: E402

Texts = dict[str, str]
LANGUAGES = ("en", "ja")
# Settings that no option stands for: where they count, and for what.
OTHER_SETTINGS = {
    "KG_SERVED_BASE": (
        "set by `kg serve --base` for the processes that it starts; set nothing yourself",
        "`kg serve --base` が、起動するプロセスのために設定します。自分では設定しません",
    ),
    "KG_STORE_USER": ("who asks another store, or writes to it", "別のストアに問い合わせ、書き込む利用者"),
    "KG_STORE_PASSWORD": (
        "the password for it; no option, log or page holds it",
        "そのパスワード。オプション、記録、ページには現れません",
    ),
    "KG_STORE_TOKEN": ("a bearer token instead of both", "二つの代わりのトークン"),
    "KG_TEST_SHARED": (
        "a folder that all processes of a test run share; `./run test` sets it",
        "テストの全プロセスが共有するフォルダー。`./run test` が設定します",
    ),
    "KG_TEST_STORES": (
        "`required`: a missing store fails the tests instead of skipping some",
        "`required` とすると、ストアがないとき、テストを省かずに失敗とします",
    ),
    "KG_TEST_DOWNLOADS": (
        "`no`: the tests fetch no tools for the recipes of the guide",
        "`no` とすると、テストは使い方の例のための道具を取得しません",
    ),
    "KG_TEST_BROWSER": (
        "`required`: a missing browser fails the tests instead of skipping some",
        "`required` とすると、ブラウザーがないとき、テストを省かずに失敗とします",
    ),
    "KG_APPROVE": (
        "`1`: tests of the shapes write the reports that they compare with",
        "`1` とすると、制約のテストは、比べる報告を書き直します",
    ),
}
# Paths that OpenAPI does not list, since no program needs them.
PATHS = {
    "/": ("The first page", "最初のページ"),
    "/about": (
        "About these data: how to read them, terms, accessibility",
        "データについて。読み方、利用条件、アクセシビリティ",
    ),
    "/static/{path}": (
        "What pages load; each address holds a digest and is kept for ever",
        "ページが読み込むもの。アドレスは中身で決まり、変わらない",
    ),
    "/robots.txt": ("What search engines may read", "検索エンジンが読んでよいもの"),
    "/sitemap.xml": (
        "All pages, in both languages; only with `--base`",
        "すべてのページ(日英)。`--base` を付けたときだけ",
    ),
    "/sitemap-{number}.xml": ("A part of them", "その一部"),
    "/llms.txt": ("What a language model should know first", "言語モデルがまず知るべきこと"),
    "/openapi.json": ("This list, for programs", "この一覧(プログラム用)"),
}
_EXAMPLE = r"(?:KG_\w+=\S+ )*kg |echo "  # how an example begins in a help text
HEAD: Texts = {
    "en": "This page is made from the code by `tests/docs/reference.py`, and a test keeps it so.",
    "ja": "このページは、`tests/docs/reference.py` がコードから作り、テストが一致を確かめています。",
}


def pages(openapi: dict[str, Any], tables: dict[str, Any]) -> Texts:
    """Return each generated page by the name of its file, from OpenAPI and the CSVW metadata of a release."""
    made = {}
    for place, lang in enumerate(LANGUAGES):
        suffix = ".md" if lang == "en" else ".ja.md"
        for name, lines in {
            "reference": _reference(openapi, tables, place),
            "terms": _terms(place),
            "messages": _messages(place),
        }.items():
            made[f"{name}{suffix}"] = "\n".join([*_switch(name, lines, lang)]) + "\n"
    return made


def _switch(name: str, lines: Iterable[str], lang: str) -> Iterator[str]:
    """Yield a page with the link to its twin, and where it comes from, below its title."""
    title, *rest = lines
    yield from (title, "")
    yield f"日本語: [{name}.ja.md]({name}.ja.md)" if lang == "en" else f"English: [{name}.md]({name}.md)"
    yield from ("", HEAD[lang], *rest)


def _table(*heads: str, rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield from ("", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads))
    for row in rows:
        yield "| " + " | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|").strip() or "–" for cell in row) + " |"
    yield ""


def _reference(openapi: dict[str, Any], tables: dict[str, Any], place: int) -> Iterator[str]:
    yield ("# Reference: commands, settings, paths, tables", "# コマンド・設定・パス・表")[place]
    yield from ("", ("## Commands", "## コマンド")[place])
    yield from (
        "",
        (
            "`./run <command>`, or installed, `kg <command>`. Exit codes: 0, 1 (the answer is no, or the work "
            "cannot be done), 2 (used wrongly). `kg <command> --help` says the same, in Japanese where the locale is "
            "Japanese (`LANG=ja_JP.UTF-8`) or `KG_LANG=ja`.",
            "`./run <コマンド>`、入れてあるときは `kg <コマンド>`。終了コードは、0、1(答えが「いいえ」か、"
            "できなかった)、2(使い方の誤り)です。`kg <コマンド> --help` も同じことを、ロケールが日本語"
            "(`LANG=ja_JP.UTF-8`)か `KG_LANG=ja` のときは日本語で、そうでないときは英語で示します。",
        )[place],
    )
    for name, command in sorted(kg.commands.items()):
        yield from _command(name, command, place)
    yield from _settings(place)
    yield from ("", ("## Paths of the server", "## サーバーのパス")[place])
    yield from ((), ("", "OpenAPIにあるものの説明は英語です。"))[place]
    yield from _paths(openapi, place)
    yield from ("", ("## Tables of a release", "## 版の表")[place])
    for table in tables["tables"]:
        titles = {title["@language"]: title["@value"] for title in table["dc:title"]}
        yield from ("", f"### {table['url']}", "", titles[LANGUAGES[place]])
        columns = table["tableSchema"]["columns"]
        yield from _table(
            *(("column", "what it is"), ("列", "内容"))[place], rows=(_column(one, place) for one in columns)
        )


def _command(name: str, command: click.Command, place: int) -> Iterator[str]:
    yield from ("", f"### kg {name}", "")
    told = cleandoc((command.help or "", command_help(command.help or ""))[place]).replace("\b\n", "").splitlines()
    prose = [line for line in told if not re.match(_EXAMPLE, line)]
    yield from re.sub(r"\n{2,}", "\n\n", "\n".join(prose)).replace("*", "\\*").splitlines()
    if examples := [line for line in told if re.match(_EXAMPLE, line)]:
        yield from ("", *(f"    {line.strip()}" for line in examples))
    rows = []
    for one in command.params:
        if isinstance(one, click.Option):
            # With a context that has none of its parents: what it says is the same everywhere.
            words, text = one.get_help_record(click.Context(command)) or ("", "")
            rows.append((f"`{words}`", (text, option_help(text))[place], f"`{one.envvar}`" if one.envvar else ""))
        else:
            rows.append((f"`{one.make_metavar(click.Context(command))}`", "", ""))
    yield from _table(*(("option", "what it does", "setting"), ("オプション", "内容", "設定"))[place], rows=rows)


def _settings(place: int) -> Iterator[str]:
    yield from ("", ("## Other settings", "## そのほかの設定")[place])
    rows = [(f"`{name}`", told[place]) for name, told in OTHER_SETTINGS.items()]
    yield from _table(*(("variable", "what it is for"), ("変数", "内容"))[place], rows=rows)


def settings() -> set[str]:
    """Return the names of all settings that the options of the commands have."""
    found = (one.envvar for command in kg.commands.values() for one in command.params)
    return {name for name in found if isinstance(name, str)}


def _paths(openapi: dict[str, Any], place: int) -> Iterator[str]:
    rows = []
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            answers = next(iter(operation["responses"].items()))
            content = ", ".join(f"`{kind}`" for kind in answers[1].get("content", ()))
            parameters = ", ".join(
                f"`{one['name']}`" for one in operation.get("parameters", ()) if one["in"] == "query"
            )
            rows.append(
                (f"`{method.upper()} {path}`", operation.get("summary", ""), parameters, f"{answers[0]} {content}")
            )
    heads = (("path", "what it does", "parameters", "answer"), ("パス", "内容", "パラメーター", "答え"))
    yield from _table(*heads[place], rows=rows)
    yield from (
        (
            "Every path that answers GET answers HEAD. What can be had in RDF has the endings `.ttl`, `.nt`, "
            "`.jsonld` and `.rdf`, too. `/reconcile/{edition}` is the service "
            "of one edition, with the same paths below it; `/def/{version}` leads to the ontology. Beside these:"
        ),
        (
            "GETに答えるパスは、HEADにも答えます。RDFで取得できるものは、末尾に `.ttl`、`.nt`、`.jsonld`、`.rdf` "
            "を付けても取得できます。`/reconcile/{edition}` は一つの版だけの"
            "サービスで、下のパスも同じです。`/def/{version}` はオントロジーへ進みます。"
            "このほかに次のものがあります。"
        ),
    )[place : place + 1]
    others = [(f"`GET {path}`", told[place]) for path, told in PATHS.items()]
    yield from _table(*(("path", "what it is"), ("パス", "内容"))[place], rows=others)


def _column(column: dict[str, Any], place: int) -> tuple[str, str]:
    titles = column["titles"]
    english = titles["en"] if isinstance(titles["en"], list) else [titles["en"]]
    told = english[-1] if place == 0 else titles["ja"]
    several = (" (several, separated by `|`)", "(複数。`|` で区切る)")[place] if column.get("separator") else ""
    return f"`{column['name']}`", f"{told}{several}"


def _terms(place: int) -> Iterator[str]:
    graph, ours = Graph().parse(project_folders().ontology / "shisaku.ttl", format="turtle"), Namespace(ONTOLOGY)
    yield ("# Terms of the ontology", "# オントロジーの語彙")[place]
    yield from (
        "",
        (
            "The terms that begin with `https://w3id.org/shisaku/def#`. A running server has more of each at "
            "`/def`: uses, examples, constraints, and the terms of others.",
            "`https://w3id.org/shisaku/def#` で始まる語彙です。動いているサーバーの `/def` には、使われ方、例、"
            "制約、ほかの語彙もあります。",
        )[place],
    )
    kinds = (
        (("Classes", "クラス"), (OWL.Class,)),
        (("Properties", "プロパティ"), (OWL.ObjectProperty, OWL.DatatypeProperty)),
    )
    for heading, types in kinds:
        found = {term for kind in types for term in graph.subjects(RDF.type, kind) if term in ours}
        rows = [
            (f"`shisaku:{term.removeprefix(ONTOLOGY)}`", *_told(graph, term, place)) for term in sorted(found, key=str)
        ]
        yield from ("", f"## {heading[place]}")
        yield from _table(*(("term", "name", "meaning"), ("語", "名前", "意味"))[place], rows=rows)


def _told(graph: Graph, term: Any, place: int) -> tuple[str, str]:
    def in_language(predicate: URIRef) -> str:
        values = (value for value in graph.objects(term, predicate))
        return next((str(value) for value in values if getattr(value, "language", "") == LANGUAGES[place]), "")

    return in_language(RDFS.label), in_language(SKOS.definition)


def _messages(place: int) -> Iterator[str]:
    yield ("# All messages", "# すべてのメッセージ")[place]
    yield from (
        "",
        (
            "What the program and the server say when something is wrong, where `…` stands for a name or a "
            "number. Each says what to do; the commands do so in Japanese where the locale is Japanese "
            "(`LANG=ja_JP.UTF-8`) or `KG_LANG=ja`. [Errors](errors.md) explains the ones that are met most.",
            "プログラムとサーバーが、誤りのあるときに言うことです。`…` には名前や数が入ります。どれも、"
            "どうすればよいかを述べます。ロケールが日本語(`LANG=ja_JP.UTF-8`)か `KG_LANG=ja` のとき、コマンドは"
            "日本語で、そうでないときは英語で述べます。コマンドの使い方の誤りと、サーバーの答えは、英語です。"
            "よくあるものは[エラー](errors.ja.md)で説明しています。",
        )[place],
    )
    for heading, heads, rows in messages():
        yield from ("", f"## {heading[place]}")
        if place == 1 and heads[1] == PROBLEM[1]:
            told = ((in_japanese(fact, "facts"), in_japanese(remedy, "remedies"), fact) for fact, remedy in rows)
            yield from _table(*heads[1], "英語では", rows=told)
        else:
            yield from _table(*heads[place], rows=rows)


def write(release: Release) -> None:
    """Write the pages, as the code at hand and a release have it."""
    from kg.server.app import app

    openapi = app(release, project_folders().queries, release.folder.parents[1]).openapi()
    tables = json.loads((release.folder / "csv-metadata.json").read_text(encoding="utf-8"))
    for name, text in pages(openapi, tables).items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    from kg.cli.release_resolver import release_at

    write(release_at(project_folders()))
