"""A curator's mistakes: each is told by `kg check`, in words, with its file; none passes and none is a traceback."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from ..support.curation import DOCUMENT, kg, table
from ..support.recipes import SOURCE, seal

Edit = Callable[[str, str, str], None]
SETTINGS = str(SOURCE / "source.toml")
PLAN = """key = "city-2020"
document = "plan.csv"
sha256 = "SHA"
title_ja = "計画"
title_en = "Plan"
government_ja = "市"
government_en = "City"
edition = "municipal-2019"
[columns]
title = "施策名"
cites = "国の施策"
number = "番号"
"""


def told(recipe: Path) -> str:
    """Return what `kg check` finds wrong with a recipe, which it does."""
    result = kg("check", "--recipe", recipe)
    assert result.exit_code == 1, result.output
    return result.stderr


def add(recipe: Path, name: str, *rows: dict[str, str]) -> None:
    """Add rows to a table of a recipe."""
    file = recipe / f"{name}.csv"
    text = file.read_text(encoding="utf-8")
    header = next(csv.reader(io.StringIO(text)))
    written = io.StringIO(newline="")
    csv.DictWriter(written, header, restval="", lineterminator="\n").writerows(rows)
    file.write_text(text + written.getvalue(), encoding="utf-8")


def correction(number: int, printed: str, corrected: str, **more: str) -> dict[str, str]:
    """Return a row of corrections.csv."""
    said = {"reason_ja": "試験", "reason_en": "a test", "evidence": "none", "decided_by": "a test"}
    row = {"id": f"c{number:04}", "edition": "municipal-2019", "action": "replace" if corrected else "flag"}
    return {**said, **row, "printed": printed, "corrected": corrected, "decided_on": "2026-01-01", **more}


def link(subject: str, label: str, item: str, **more: str) -> dict[str, str]:
    """Return a row of links/wikidata.csv."""
    row = {"subject_id": subject, "subject_label": label, "object_id": f"wikidata:{item}"}
    said = {"mapping_justification": "semapv:ManualMappingCuration", "author_label": "a test", "comment": "a test"}
    dated = {"mapping_date": "2026-01-01", "confidence": "0.9", "flag": "seen"}
    return {"predicate_id": "skos:exactMatch", **row, **said, **dated, **more}


def plan(recipe: Path, described: str = PLAN, rows: str = "") -> Path:
    """Add a plan to a recipe, and return its folder."""
    import hashlib

    folder = recipe / "plans" / "city-2020"
    folder.mkdir(parents=True)
    content = ("番号,施策名,国の施策\n" + (rows or "1,ある施策,01-05\n")).encode()
    (folder / "plan.csv").write_bytes(content)
    text = described.replace('"SHA"', f'"{hashlib.sha256(content).hexdigest()}"')
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "old", "new", "fact"),
    [
        (
            "recipe.toml",
            'version = "2019.1.0"',
            'version = "../evil"',
            "recipe.toml: version is '../evil'; it must match",
        ),
        (
            "recipe.toml",
            'version = "2019.1.0"',
            'version = "2019.1.0 beta"',
            "version is '2019.1.0 beta'; it must match",
        ),
        ("recipe.toml", 'version = "2019.1.0"', "version = 2019.1", "version is 2019.1; it must be a text"),
        ("recipe.toml", 'version = "2019.1.0"', 'version = "2019.1.0"\nprevious = "a/b"', "previous is 'a/b'"),
        ("recipe.toml", "issued = 2026-11-23", 'issued = "2026-11-23"', "issued is '2026-11-23'; it must be a date"),
        (
            "recipe.toml",
            "issued = 2026-11-23",
            "issued = 2026-11-23T10:00:00",
            "issued is 2026-11-23T10:00:00; it must",
        ),
        ("recipe.toml", "title_ja", "titel_ja", "titel_ja is not a setting of recipe.toml"),
        (SETTINGS, "title_en = ", 'revise = "municipal-2018"\ntitle_en = ', "revise is not a setting of source.toml"),
        (SETTINGS, "2019-06-14", '"2019/06/14"', "plan_decided is '2019/06/14'; it must be a date"),
        (SETTINGS, 'plan = "2019"', 'plan = "2020 rev"', "plan is '2020 rev'; it must match"),
        (SETTINGS, 'plan = "2019"', "", "plan_ja is"),
        (SETTINGS, 'key = "municipal-2019"', 'key = "../x"', "key is '../x'; it must match"),
        (SETTINGS, 'document = "', 'document = "../', "document is '../measures-2019.txt'; it must match"),
        (
            SETTINGS,
            "archive_date = 2019-10-11",
            "archive_date = 20191011",
            "archive_date is 20191011; it must be a date",
        ),
        (SETTINGS, 'title_ja = "', 'title_ja = "\\u0000', "title_ja holds the control character U+0000"),
        ("catalogue.toml", "[series]", "[serie]", "serie.title is not a setting of catalogue.toml"),
        (
            "catalogue.toml",
            "https://creativecommons.org/licenses/by/4.0/",
            "CC BY 4.0",
            "licence is 'CC BY 4.0'; it must be",
        ),
        ("catalogue.toml", 'page = ["', 'page = "', "is not valid TOML"),
        ("tables.toml", "unique = true", 'unique = "yes"', "[columns] is not a description of a table: unique of key"),
        ("tables.toml", "[a-z0-9][a-z0-9-]*", "[a-z", "[columns] is not a description of a table: [a-z: "),
        ("tables.toml", "unique = true", "uniq = true", "is not a description of a table: uniq is not one of"),
        ("link-targets.csv", "Q[1-9][0-9]*", "Q[1-9", "pattern is 'Q[1-9'; it must be a regular expression"),
        ("link-rules.csv", "{value}", "{value.x}", "cannot be filled"),
        ("concepts.csv", "comparator,", "comparision,", "scheme is 'comparision'; it must be one of"),
        ("characters.csv", "\n", "\n二字,一,variant,nobody\n", "character is '二字'; it must match ."),
    ],
)
def test_a_value_without_the_form_of_one_is_told(
    recipe: Path, edit: Edit, name: str, old: str, new: str, fact: str
) -> None:
    """Keys, types and forms of TOML files are checked as those of tables are: in `kg check`, and before a build."""
    edit(name, old, new)

    assert fact in told(recipe)
    assert kg("build", "--recipe", recipe, "--out", recipe.parent / "out").exit_code == 1
    assert not (recipe.parent / "out" / "releases").exists()


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ("[columns]", 'licence = "CC BY 4.0"\n[columns]', "licence is 'CC BY 4.0'; it must be an address"),
        (
            "[columns]",
            'page = "city.example.jp/計画"\n[columns]',
            "page is 'city.example.jp/計画'; it must be an address",
        ),
        ("[columns]", 'page = "https://city.example.jp/a b"\n[columns]', "page is 'https://city.example.jp/a b'"),
        ('edition = "municipal-2019"', "edition = 2019", "edition is 2019; it must be a text"),
        ("title_en", "titel_en", "titel_en is not a setting of plan.toml"),
        ('number = "番号"', "number = 1", "columns.number is 1; it must be a text"),
    ],
)
def test_a_plan_without_the_form_of_one_is_told(recipe: Path, old: str, new: str, fact: str) -> None:
    """The description of a local plan has a grammar, too."""
    plan(recipe, PLAN.replace(old, new))

    assert f"plan.toml: {fact}" in told(recipe)


def test_numbers_of_a_plan_that_differ_in_width_only_are_one(recipe: Path) -> None:
    """`1`, `１` and `①` would become one thing: each but the first is told with its line."""
    plan(recipe, rows="1,甲,01-05\n１,乙,01-05\n①,丙,01-05\n2,丁,01-05\n")
    stderr = told(recipe)

    assert "plan.csv:3: １ is the same number as 1 in line 2" in stderr
    assert "plan.csv:4: ① is the same number as 1 in line 2" in stderr
    assert "2 problem(s)" in stderr


def test_a_folder_without_a_description_is_told(recipe: Path) -> None:
    """A document that nobody described would be left out without a word; hidden folders are no editions."""
    (recipe / "sources" / "municipal-2020").mkdir()
    (recipe / "sources" / ".git").mkdir()
    (recipe / "plans" / "city").mkdir(parents=True)
    (recipe / SOURCE / "sources.toml").write_text("", encoding="utf-8")
    stderr = told(recipe)

    assert "municipal-2020: has no source.toml" in stderr
    assert "city: has no plan.toml" in stderr
    assert "sources.toml: is not described" in stderr
    assert "3 problem(s)" in stderr


def test_a_document_saved_with_commas_is_told(recipe: Path) -> None:
    """A table whose cells no tab separates would be an edition without a measure."""
    document = recipe / SOURCE / "measures-2019.txt"
    text = document.read_text(encoding="utf-8")
    document.write_text(text.replace("\t", ","), encoding="utf-8")
    seal(recipe)

    assert "measures-2019.txt:" in told(recipe)
    assert "separated by commas, not by tabs" in told(recipe)
    document.write_text("何もない。\n", encoding="utf-8")
    seal(recipe)
    assert "no row of the table is found" in told(recipe)


def test_a_table_saved_with_tabs_or_semicolons_is_told(recipe: Path) -> None:
    """What a spreadsheet separates in another way is named as that."""
    for name, separator in (("units", "\t"), ("effects", ";")):
        file = recipe / f"{name}.csv"
        file.write_text(file.read_text(encoding="utf-8").replace(",", separator), encoding="utf-8")
    stderr = told(recipe)

    assert "units.csv:1: the cells are separated by tabs" in stderr
    assert "effects.csv:1: the cells are separated by semicolons" in stderr


@pytest.mark.parametrize(
    ("first", "second", "fact"),
    [
        (("電子応札率", "甲"), ("電子応札率", "乙"), "c0002 and c0001 (line 2) are about the same text"),
        (("電子応札率", "甲"), ("電子応札率", "甲"), "c0002 and c0001 (line 2) are about the same text"),
        (("電子応札率", "甲"), ("電子応札率", ""), "c0002 and c0001 (line 2) are about the same text"),
        (("電子応札率", "甲"), ("応札率", "乙"), "c0002 and c0001 (line 2) are about the same place"),
        (("子応", "甲"), ("電子応札率", "乙"), "c0002 and c0001 (line 2) are about the same place"),
    ],
)
def test_corrections_that_contradict_each_other_are_told(
    recipe: Path, first: tuple[str, str], second: tuple[str, str], fact: str
) -> None:
    """Of two rows about one place only one could be applied: both are told, and no release says that both were."""
    document = DOCUMENT.read_text(encoding="utf-8").splitlines(keepends=True)
    (recipe / SOURCE / "measures-2019.txt").write_text("".join(document[:12]), encoding="utf-8")
    seal(recipe)
    add(recipe, "corrections", correction(1, *first), correction(2, *second))

    assert f"corrections.csv:3: {fact}" in told(recipe)
    assert kg("build", "--recipe", recipe, "--out", recipe.parent / "out").exit_code == 1


def test_the_same_text_of_two_lines_is_read_in_one_way(recipe: Path) -> None:
    """Where a text stands in two lines, each has its row and both say the same, or the texts are lengthened."""
    add(recipe, "corrections", correction(1, "総務省", "甲", line="8"), correction(2, "総務省", "乙", line="9"))

    assert "c0002 and c0001 (line 2) read the same text '総務省' in two ways" in told(recipe)


def test_a_doubt_may_be_about_more_than_what_was_replaced(recipe: Path) -> None:
    """A longer text may be doubtful in which a character was corrected: both are recorded, and both hold."""
    document = DOCUMENT.read_text(encoding="utf-8").splitlines(keepends=True)
    (recipe / SOURCE / "measures-2019.txt").write_text("".join(document[:12]), encoding="utf-8")
    seal(recipe)
    add(recipe, "corrections", correction(1, "応札率", "応札の率"), correction(2, "電子応札率", ""))
    out = recipe.parent / "out"

    assert kg("build", "--draft", "--recipe", recipe, "--out", out).exit_code == 0
    rows = {row["id"]: row for row in table(out / "draft", "corrections")}
    assert {*rows} == {"c0001", "c0002"}
    assert any("電子応札の率" in row["text"] for row in table(out / "draft", "kpis"))


def test_a_correction_of_an_edition_that_is_not_there_says_so(recipe: Path) -> None:
    """The edition is named, not the text; an edition whose description is broken is there."""
    add(recipe, "corrections", correction(1, "電子応札率", "甲", edition="municipal-2020"))
    stderr = told(recipe)

    assert "corrections.csv:2: c0001: edition is 'municipal-2020', which is not a source of this recipe" in stderr
    assert "name one of municipal-2019" in stderr
    assert "no longer" not in stderr


def test_an_identifier_names_one_thing(recipe: Path) -> None:
    """An organization that stands in both lists under two keys is told: neither would be matched any more."""
    names = {"label_ja": "デジタル庁", "label_en": "Digital Agency"}
    add(recipe, "organizations", {"key": "digital", "kind": "organization", **names})

    assert "'デジタル庁' stands for da and, in organizations.csv, for digital" in told(recipe)


@pytest.mark.parametrize(
    ("name", "row", "fact"),
    [
        (
            "links/wikidata",
            link("id:organization/fsa", "金融庁", "Q6005"),
            "Q6005 is said to be id:organization/fsa and, in wikidata.csv, line 2, id:organization/cao",
        ),
        (
            "links/nta",
            {**link("id:organization/fsa", "", ""), "object_id": "nta:3000012010001"},
            "is said to be id:organization/fsa and, in organizations.csv, line 2, id:organization/cas",
        ),
        (
            "bodies",
            {"key": "x", "label_ja": "架空庁", "label_en": "X", "corporate_number": "3000012010001"},
            "the corporate number 3000012010001 of x is, in organizations.csv, that of cas",
        ),
        (
            "organizations",
            {
                "key": "x",
                "kind": "organization",
                "label_ja": "架空庁",
                "label_en": "X",
                "corporate_number": "3000012010001",
            },
            "corporate_number '3000012010001' is already in line 2",
        ),
        (
            "laws",
            {"key": "x", "label_ja": "架空法", "law_number": "令和元年法律第999号", "law_id": "428AC1000000103"},
            "law_id '428AC1000000103' is already",
        ),
        (
            "links/wikidata",
            link("id:organization/cao", "総務省", "Q1"),
            "subject_label is '総務省', which is not a name of id:organization/cao",
        ),
        (
            "translations",
            {"text_ja": "架空", "text_en": "X", "translator": "me", "translated_on": "2999-01-01"},
            "translated_on is 2999-01-01, which is still to come",
        ),
        (
            "corrections",
            correction(1, "電子応札率", "甲", decided_on="2999-01-01"),
            "decided_on is 2999-01-01, which is still to come",
        ),
        (
            "links/wikidata",
            link("id:organization/cao", "", "Q1", mapping_date="2999-01-01"),
            "mapping_date is 2999-01-01, which is still to come",
        ),
    ],
)
def test_a_row_that_contradicts_another_is_told(recipe: Path, name: str, row: dict[str, str], fact: str) -> None:
    """What names one thing names no other, a label is that of its identifier, and a decision lies in the past."""
    add(recipe, name, row)

    assert fact in told(recipe)


def test_a_rejected_link_is_no_second_thing(recipe: Path) -> None:
    """`Not` says that the item is another thing's, and a close match is no identity."""
    add(
        recipe,
        "links/wikidata",
        link("id:organization/fsa", "金融庁", "Q6005", predicate_modifier="Not"),
        link("id:organization/fsa", "FSA", "Q6005", predicate_id="skos:closeMatch"),
    )

    assert kg("check", "--recipe", recipe).exit_code == 0


def test_check_goes_on_behind_what_is_broken(whole_recipe: Path, edit: Edit) -> None:
    """A broken row, table, setting and document leave the rest to be looked at: each mistake is told in one run."""
    edit("units.csv", "item,件,item,", "Item!,件,item,")
    edit("recipe.toml", 'version = "2019.1.0"', 'version = "../evil"')
    edit("catalogue.toml", "[series]", "[serie]")
    edit("corrections.csv", "デジタルデバйд対策", "デジタルデバфф対策")
    edit("translations.csv", "text_ja,", "text,")
    add(whole_recipe, "links/wikidata", link("id:organization/cao", "総務省", "Q1"))
    (whole_recipe / "sources" / "municipal-2020").mkdir()
    stderr = told(whole_recipe)

    for words in (
        "units.csv:5:",
        "recipe.toml: version",
        "catalogue.toml: serie",
        "translations.csv:1: the header",
        "municipal-2020: has no",
    ):
        assert words in stderr
    edit("translations.csv", "text,", "text_ja,")
    assert "corrections.csv:2: c0001: the printed text" in told(whole_recipe)


ENCODED = ["units.csv", "recipe.toml", SETTINGS, "known-problems.md"]


@pytest.mark.parametrize("name", ENCODED)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_how_a_file_is_read(recipe: Path, name: str, encoding: str) -> None:
    """A file whose first bytes say for sure in which encoding it is is read in that."""
    file = recipe / name
    file.write_bytes(file.read_text(encoding="utf-8").encode(encoding))

    assert kg("check", "--recipe", recipe).exit_code == 0


@pytest.mark.parametrize("name", ENCODED)
@pytest.mark.parametrize(
    ("encoding", "called"),
    [("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP"), ("iso2022_jp", "ISO-2022-JP"), ("utf-16-le", "UTF-16")],
)
def test_an_encoding_that_is_not_sure_is_named(recipe: Path, name: str, encoding: str, called: str) -> None:
    """What a file looks like is told with the line of the first sign of it, and never guessed at."""
    file = recipe / name
    file.write_bytes(file.read_text(encoding="utf-8").encode(encoding, errors="ignore"))
    stderr = told(recipe)

    assert f"is not UTF-8: this looks like {called}" in stderr
    assert f"{file}:" in stderr


def test_a_document_in_shift_jis_is_named(recipe: Path) -> None:
    """The document of an edition is named with its line, too; a mark at its beginning is no part of its first cell."""
    document = recipe / SOURCE / "measures-2019.txt"
    text = document.read_text(encoding="utf-8")
    document.write_bytes(text.encode("cp932", errors="ignore"))
    seal(recipe)
    assert "measures-2019.txt:3: is not UTF-8: this looks like Shift_JIS" in told(recipe)
    document.write_bytes(text.encode("utf-8-sig"))
    seal(recipe)
    assert kg("check", "--recipe", recipe).exit_code == 0


def test_blank_rows_are_one_remark(recipe: Path) -> None:
    """Rows without a value, and columns without a name behind the last, as Excel leaves them, are left aside."""
    file = recipe / "units.csv"
    rows = file.read_text(encoding="utf-8").splitlines()
    blank = "," * (rows[0].count(",") + 2)
    text = "".join(f"{row},,\r\n" for row in rows) + f"{blank}\r\n" * 40
    file.write_text(text, encoding="utf-8-sig", newline="")
    result = kg("check", "--recipe", recipe)

    assert result.exit_code == 0, result.output
    assert result.stderr.count("units.csv") == 1
    assert f"units.csv:{len(rows) + 1}: 40 blank rows are skipped" in result.stderr
    built = kg("build", "--recipe", recipe, "--out", recipe.parent / "out")
    assert built.exit_code == 0, built.output
    assert "40 blank rows are skipped" in built.stderr


@pytest.mark.parametrize(
    ("corrected", "fact"),
    [
        ("", "c0001 does not say what to read instead of '電子応札率'"),
        ("  ", "c0001 does not say what to read instead of '電子応札率'"),
        ("電子\n応札率", "c0001: corrected holds U+000A"),
        ("電子\x0b応札率", "c0001: corrected holds U+000B"),
    ],
)
def test_a_replacement_says_what_to_read(recipe: Path, corrected: str, fact: str) -> None:
    """Nothing is deleted because a cell was left empty, and no row is cut in two by a line break."""
    add(recipe, "corrections", correction(1, "電子応札率", corrected, action="replace"))

    assert f"corrections.csv:2: {fact}" in told(recipe)


@pytest.mark.parametrize(
    ("name", "text", "instead", "fact"),
    [
        ("effects", "地域社会", '"地域\n社会', "effects.csv:3: label_ja holds a line break"),
        ("effects", "地域社会", "か\u3099く社会", "label_ja holds 'か\u3099' as two characters"),
        (
            "effects",
            "地域社会",
            "\u00e5\u009c\u00b0域社会",
            "effects.csv:3: label_ja holds U+009C, an invisible character",
        ),
        ("laws", "339AC0000000170", "340AC0000000170", "the law ID 340AC0000000170 is not that of 昭和39年法律第170号"),
        (
            "laws",
            "昭和39年法律第170号",
            "昭和三十九年法律第百七十号",
            "it must be a number such as 昭和39年法律第170号",
        ),
        ("organization-changes", "specific-ppc,ppc", "ppc,ppc", "ppc-2016 changes nothing"),
    ],
)
def test_what_nobody_sees_and_what_contradicts_itself_is_told(
    recipe: Path, name: str, text: str, instead: str, fact: str
) -> None:
    """A character that came along unseen makes another name; a law has the ID of its number; a change changes."""
    file = recipe / f"{name}.csv"
    content = file.read_text(encoding="utf-8")
    quoted = instead.startswith('"')
    whole = "地域社会・経済の活性化" if quoted else text
    assert whole in content
    file.write_text(
        content.replace(whole, f'{instead}・経済の活性化"' if quoted else instead, 1), encoding="utf-8", newline=""
    )

    assert fact in told(recipe)


@pytest.mark.parametrize(
    ("name", "again", "fact"),
    [
        ("effects", 0, "the header is repeated here"),
        ("concepts", 1, "progress of kpi-kind is already in line 2"),
    ],
)
def test_a_row_that_was_pasted_twice_is_told(recipe: Path, name: str, again: int, fact: str) -> None:
    """A header in the middle would be an entry called key; a concept has one row."""
    file = recipe / f"{name}.csv"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join([*lines, lines[again]]), encoding="utf-8")

    assert f"{name}.csv:{len(lines) + 1}: {fact}" in told(recipe)


def test_a_thing_is_one_thing_elsewhere(recipe: Path) -> None:
    """Two items of Wikidata for one of our organizations contradict each other."""
    add(recipe, "links/wikidata", *(link("id:organization/mic", "総務省", item) for item in ("Q999998", "Q999999")))

    assert "id:organization/mic is said to be http://www.wikidata.org/entity/Q999999 and, in wikidata.csv" in told(
        recipe
    )


def test_a_workbook_in_the_place_of_a_table_is_named(recipe: Path) -> None:
    """What Excel saves as a workbook under the name of a table is called one."""
    (recipe / "effects.csv").write_bytes(b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0" + bytes(60))

    assert "effects.csv:1: is not UTF-8: this looks like an Excel workbook" in told(recipe)


def test_a_recipe_without_sources_is_told_once(recipe: Path) -> None:
    """Each correction is about an edition that is not there, but that is one mistake."""
    add(recipe, "corrections", correction(1, "電子応札率", "甲"))
    for file in (recipe / SOURCE).iterdir():
        file.unlink()
    (recipe / SOURCE).rmdir()
    stderr = told(recipe)

    assert "no source" in stderr and "c0001" not in stderr
