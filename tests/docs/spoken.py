"""What the program can say of errors, read from its code: the facts and remedies of problems, refusals, misuse."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from kg.core.errors import GAP, catalogue

KG = Path(__file__).resolve().parents[2] / "kg"
_OR = " / "  # between what is said in one case and in another
_DEPTH = 4  # how far a name is followed to what it stands for
Pair = tuple[str, str]
# The parts of the program, by the folders and modules of kg/, in the words of those who meet them.
PARTS: dict[Pair, tuple[str, ...]] = {
    ("Reading the recipe", "レシピを読むとき"): ("recipe",),
    ("Making a release", "版を作るとき"): ("builder", "model", "extract", "rdf"),
    ("Finding and opening a release", "版を探し、開くとき"): ("core", "search"),
    ("Asking", "問い合わせるとき"): ("engine",),
    ("Linking a table", "表を対応付けるとき"): ("matching",),
    ("Serving", "公開するとき"): ("server", "http", "web"),
}
PROBLEM = (("what it says", "what to do"), ("メッセージ", "すること"))
_REST = ("Elsewhere", "そのほか")


class _Module:
    """A module as it is written, and what the names in it stand for."""

    def __init__(self, file: Path) -> None:
        self.part = file.relative_to(KG).parts[0].removesuffix(".py")
        self.tree = _tree(file)
        self._children: dict[ast.AST, list[ast.AST]] = {}
        self._nodes = self._walk(self.tree)
        self._inside: dict[ast.AST, list[ast.AST]] = {}
        self._said: dict[tuple[ast.expr, int], str] = {}  # one expression is asked for many times
        self._scopes: dict[ast.AST, ast.AST] = {}
        for scope in self._nodes:
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                self._inside[scope] = self._walk(scope)
                for inside in self._inside[scope]:
                    self._scopes[inside] = scope  # an inner function comes later, and wins

    def _walk(self, top: ast.AST) -> list[ast.AST]:
        """Return a node and all within it, level by level."""
        found = [top]
        for node in found:
            if node not in self._children:
                self._children[node] = list(ast.iter_child_nodes(node))
            found += self._children[node]
        return found

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Yield the calls of these, by the last part of their names, in the order of the file."""
        found = [node for node in self._nodes if isinstance(node, ast.Call) and _name(node.func) in names]
        yield from sorted(found, key=lambda node: (node.lineno, node.col_offset))

    def said(self, node: ast.expr, depth: int = _DEPTH) -> str:
        """Return the text that an expression makes, with gaps; alternatives are separated by ` / `."""
        if (node, depth) not in self._said:
            self._said[node, depth] = self._text(node, depth)
        return self._said[node, depth]

    def _text(self, node: ast.expr, depth: int) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(self.said(part, depth) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            inner = self.said(node.value, depth) if isinstance(node.value, ast.Name | ast.Constant) else GAP
            return GAP if _OR in inner else inner
        if isinstance(node, ast.IfExp):
            return _OR.join(dict.fromkeys((self.said(node.body, depth), self.said(node.orelse, depth))))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.said(node.left, depth) + self.said(node.right, depth)
        values: list[ast.expr] = []
        if isinstance(node, ast.Name) and depth:
            values = self._assigned(node)
        if isinstance(node, ast.Call) and depth:
            values = self._returned(_name(node.func))
        return _OR.join(dict.fromkeys(self.said(value, depth - 1) for value in values)) or GAP

    def _assigned(self, name: ast.Name) -> list[ast.expr]:
        """Return what a name stands for: what is assigned to it in its function, given to that, or set in a module."""
        scope = self._scopes.get(name)
        if scope is not None:
            found = _set(self._inside[scope], name.id) or self._given(scope, name.id)
            if found:
                return found
        return _set(self.tree.body, name.id) or _imported(self.tree, name.id)

    def _given(self, scope: ast.AST, name: str) -> list[ast.expr]:
        """Return what is given for a parameter of a function that only its own module calls."""
        assert isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef)
        names = [one.arg for one in scope.args.args]
        if name not in names or not scope.name.startswith("_"):
            return []
        place = names.index(name)
        calls = (call for call in self.calls(scope.name) if isinstance(call.func, ast.Name))
        return [call.args[place] for call in calls if len(call.args) > place]

    def _returned(self, name: str) -> list[ast.expr]:
        """Return what a function of this module returns, without empty texts."""
        functions = [scope for scope in self._inside if getattr(scope, "name", "") == name]
        inside = (node for function in functions for node in self._inside[function])
        found = [node.value for node in inside if isinstance(node, ast.Return) and node.value is not None]
        texts = [part for value in found for part in _branches(value)]
        return sorted((one for one in texts if getattr(one, "value", None) != ""), key=lambda node: node.lineno)


def _branches(node: ast.expr) -> list[ast.expr]:
    return [*_branches(node.body), *_branches(node.orelse)] if isinstance(node, ast.IfExp) else [node]


def _set(nodes: Iterable[ast.AST], name: str) -> list[ast.expr]:
    """Return what is assigned to a name among nodes, also within an expression (`:=`)."""
    return [
        node.value
        for node in nodes
        if (isinstance(node, ast.Assign) and any(_name(target) == name for target in node.targets))
        or (isinstance(node, ast.NamedExpr) and node.target.id == name)
    ]


def _imported(tree: ast.Module, name: str) -> list[ast.expr]:
    """Return what an imported constant is where it comes from."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any(one.name == name and not one.asname for one in node.names):
            parts = (node.module or "").split(".")[1:]
            for file in (KG.joinpath(*parts).with_suffix(".py"), KG.joinpath(*parts, "__init__.py")):
                if parts and file.is_file():
                    return _set(_tree(file).body, name)
    return []


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


@cache
def _modules() -> list[_Module]:
    return [_Module(file) for file in sorted(KG.rglob("*.py"))]


@cache
def problems() -> list[tuple[str, str, str]]:
    """Return each fact with its remedy, and the part of the program that says it."""
    return [
        (module.part, module.said(call.args[0]), module.said(call.args[1]))
        for module in _modules()
        for call in module.calls("Problem")
        if len(call.args) > 1 and module.said(call.args[0]) != GAP
    ]


@cache
def refusals() -> list[tuple[str, str]]:
    """Return the status and the words of each refusal of the server."""
    found = {
        (module.said(call.args[0]), module.said(call.args[1]))
        for module in _modules()
        for call in module.calls("Refusal")
        if len(call.args) > 1
    }
    return sorted(pair for pair in found if pair != (GAP, GAP))


@cache
def misuses() -> list[str]:
    """Return what is said of a command that is used wrongly."""
    found = [
        module.said(call.args[0])
        for module in _modules()
        for call in module.calls("BadParameter", "UsageError")
        if call.args
    ]
    return list(dict.fromkeys(text for text in found if text != GAP))


@cache
def alternatives(place: int) -> set[str]:
    """Return each fact (place 0) or remedy (1) that a problem can have, as one text for each case."""
    calls = ((module, call) for module in _modules() for call in module.calls("Problem"))
    texts = {module.said(call.args[place]) for module, call in calls if len(call.args) > place}
    return {one for text in texts for one in text.split(_OR)} - {GAP}


def in_japanese(text: str, part: str) -> str:
    """Return what a fact or a remedy is in Japanese, with gaps, in each case."""
    known = {GAP: GAP, **catalogue()[part]}
    return _OR.join(re.sub(r"\{[1-9]\}", GAP, known[one]) for one in text.split(_OR))


def messages() -> Iterator[tuple[Pair, tuple[tuple[str, ...], tuple[str, ...]], list[tuple[str, ...]]]]:
    """Yield the sections of the page: a heading and the heads of its table in both languages, and the rows."""
    rest = problems()
    for heading, parts in PARTS.items():
        rows = [(fact, remedy) for part, fact, remedy in rest if part in parts]
        yield heading, PROBLEM, list(dict.fromkeys(rows))
    known = {part for parts in PARTS.values() for part in parts}
    if rows := [(fact, remedy) for part, fact, remedy in rest if part not in known]:
        yield _REST, PROBLEM, list(dict.fromkeys(rows))
    usage: list[tuple[str, ...]] = [(text,) for text in misuses()]
    yield ("Using a command", "コマンドの使い方"), (("what it says",), ("メッセージ",)), usage
    refused: list[tuple[str, ...]] = [*refusals()]
    yield ("Answers of the server", "サーバーの答え"), (("status", "what it says"), ("状態", "メッセージ")), refused
