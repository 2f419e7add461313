"""The texts for users in a Python file, found by the parameters that they are given to.

A text is an argument of a parameter that carries texts (`why`, `what`, `remedy` …), of an exception, or of `print`. A
variable, a constant or a function that stands there is followed to what it is made from.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tests.unit.messages_bash import printed_texts

CARRY_TEXT = frozenset(
    (
        "why",
        "what",
        "remedy",
        "text",
        "reason",
        "right",
        "expects",
        "evidence",
        "help",
        "question",
        "explain",
        "problems",
    )
)
NO_TEXTS = frozenset(("quote", "re.compile", "PurePosixPath", "Path", "Context"))
"""Calls that have no text for a user, although one of their parameters is called like those that do."""
OF_STR = ("join", "strip", "format", "removesuffix", "rstrip")
TITLES = frozenset(("TITLE",))

PARTS: dict[type[ast.expr], tuple[str, ...]] = {
    ast.IfExp: ("body", "orelse"),
    **dict.fromkeys((ast.BoolOp, ast.Dict), ("values",)),
    **dict.fromkeys((ast.Tuple, ast.List, ast.Set), ("elts",)),
    **dict.fromkeys((ast.NamedExpr, ast.Starred, ast.Subscript, ast.YieldFrom), ("value",)),
    **dict.fromkeys((ast.GeneratorExp, ast.ListComp), ("elt",)),
}
"""Where an expression has what it gets its text from."""

Signature = tuple[str, ...]


@dataclass(frozen=True)
class Module:
    """A parsed file."""

    path: str
    tree: ast.Module

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        return dict(_assigned(self.tree.body))


@dataclass(frozen=True)
class Package:
    """All files: what a name means that another file defines, as long as the package has that name once."""

    modules: tuple[Module, ...]

    @cached_property
    def signatures(self) -> dict[str, Signature]:
        found: dict[str, Signature] = {}
        for module in self.modules:
            found |= {name: _parameters(function) for name, function in module.functions.items()}
            found |= {name: fields for name, kind in module.classes.items() if (fields := _fields(kind))}
        return found

    @cached_property
    def errors(self) -> frozenset[str]:
        """Names of the exception classes, by their base classes."""
        bases = {
            name: {ast.unparse(base) for base in kind.bases} for m in self.modules for name, kind in m.classes.items()
        }
        found = {"Exception", "ValueError", "SystemExit", "OSError"}
        while more := {name for name, of in bases.items() if of & found} - found:
            found |= more
        return frozenset(found)

    def function(self, name: str, here: Module) -> ast.FunctionDef | None:
        places = [here] if name in here.functions else [module for module in self.modules if name in module.functions]
        return places[0].functions[name] if len(places) == 1 else None

    def constant(self, name: str, here: Module) -> ast.expr | None:
        places = [here] if name in here.constants else [module for module in self.modules if name in module.constants]
        return places[0].constants[name] if len(places) == 1 else None


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            yield node.target.id, node.value


def _parameters(function: ast.FunctionDef) -> Signature:
    names = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    return tuple(name for name in names if name not in ("self", "cls"))


def _fields(kind: ast.ClassDef) -> Signature:
    """Those of its __init__, else the fields of a dataclass."""
    for node in kind.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return _parameters(node)
    return tuple(
        node.target.id for node in kind.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    )


def texts(module: Module, package: Package) -> Iterator[str]:
    """Every text of a file, in no particular order, some of them twice."""
    for scope in (module.tree, *module.functions.values()):
        finder = Finder(module, package, scope)
        for node in _own(scope):
            if isinstance(node, ast.Call):
                for argument in finder.given(node):
                    yield from finder.texts(argument)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield from printed_texts(node.value)
    for body in (module.tree.body, *(kind.body for kind in module.classes.values())):
        yield from (
            text
            for name, value in _assigned(body)
            if name in TITLES
            for text in Finder(module, package, module.tree).texts(value)
        )


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope without docstrings and without those of the functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef) or (
            isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        ):
            continue
        yield child
        yield from _own(child)


@dataclass
class Finder:
    """Follows what is given as a text, within one function (or the file's own level)."""

    module: Module
    package: Package
    scope: ast.AST
    followed: set[int] = field(default_factory=set)

    def given(self, call: ast.Call) -> Iterator[ast.expr]:
        """The arguments of a call that are texts for a user."""
        name = called(call)
        if ast.unparse(call.func) in NO_TEXTS or name in NO_TEXTS:
            return
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        yield from (value for key, value in named.items() if key in CARRY_TEXT)
        if name in self.package.errors or name.lstrip("_") in ("print", "plain", "exit", "Exit"):
            yield from call.args
        elif name == "sh" and call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == "echo":
            yield from call.args[1:]
        else:
            parameters = self.package.signatures.get(name, ())
            yield from (value for key, value in zip(parameters, call.args, strict=False) if key in CARRY_TEXT)

    def texts(self, node: ast.expr | None) -> Iterator[str]:
        """What a text may be: several, where it depends on something."""
        if node is None or id(node) in self.followed:
            return
        self.followed.add(id(node))
        if isinstance(node, ast.Constant | ast.JoinedStr) or (
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)
        ):
            yield rendered(node)
        for part in self._parts(node):
            yield from self.texts(part)
        if isinstance(node, ast.Call):
            yield from self._results(called(node))

    def _parts(self, node: ast.expr) -> Iterator[ast.expr | None]:
        """What an expression gets its text from, within this function or as a constant."""
        for name in PARTS.get(type(node), ()):
            value = getattr(node, name)
            yield from value if isinstance(value, list) else (value,)
        if isinstance(node, ast.Name):
            yield from self._meanings(node.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in OF_STR:
            yield from (node.func.value, *node.args)
        elif isinstance(node, ast.Call) and called(node) in ("tuple", "list", "sorted", "next", "max", "min"):
            yield from node.args

    def _meanings(self, name: str) -> Iterator[ast.expr | None]:
        for node in ast.walk(self.scope):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from (node.value for target in targets if isinstance(target, ast.Name) and target.id == name)
        yield self.package.constant(name, self.module)

    def _results(self, name: str) -> Iterator[str]:
        """What a function of the package returns or yields."""
        if (function := self.package.function(name, self.module)) is None:
            return
        finder = Finder(self.module, self.package, function, self.followed)
        for node in ast.walk(function):
            if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom):
                yield from finder.texts(node.value)


def called(call: ast.Call) -> str:
    """The last part of what is called: `data` of `run.report.data(…)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def rendered(node: ast.expr) -> str:
    """A text with `{…}` for what is put in: the source of the expression, the same with every version of Python."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr():
            return "".join(rendered(part) for part in node.values)
        case ast.BinOp(op=ast.Add()):
            return rendered(node.left) + rendered(node.right)
        case ast.FormattedValue():
            return "{" + ast.unparse(_Flat().visit(node.value)) + "}"
        case _:
            return "{" + ast.unparse(node) + "}"


class _Flat(ast.NodeTransformer):
    """f-strings inside expressions as plain strings: versions of Python quote them differently."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant(rendered(node))
