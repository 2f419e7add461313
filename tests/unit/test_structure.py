"""The shape of the code: imports point one way, one place each for SSH and for printing, short functions."""

import ast
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from importlib import import_module
from pathlib import Path

import pytest

from deployer.commands import NAMES
from deployer.engine.plan import name_of
from deployer.steps import GUIDE, UPDATE
from tasks import namespace

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "deployer"

ORDER = (
    *("__main__", "cli", "commands", "steps"),
    *("access", "status", "backups", "certificates", "releases", "run"),
    *("verify", "site", "build", "resources", "engine"),
    *("inventory", "output", "transport", "text", "secret", "errors", "remote"),
)
"""A file imports from its own folder and from those behind it. docs/architecture.md has the same list."""

COMBINED = ("release",)
"""The only step that is made of others: 10.1 changes several sections together."""

SHARED = ("environment",)
"""Still imported by other steps: what they share of .env belongs in site/."""

SECTION = re.compile(r"(?:[2-9]|1[0-4])\.\d? [A-Z].*")
"""The number of a section of the guide (2 to 14), and what the step does in it."""

SSH = ("fabric", "paramiko")

ANY = {
    "inventory/host_files.py": "what tomllib gives",
    "transport/channel.py": "the seam to paramiko, which takes more than its types say",
    "transport/connection.py": "the seam to fabric, which has no types",
}
LONG: dict[str, str] = {}
TALL: dict[str, str] = {}
SHARED_STEMS = {
    "assets": "the wallet's files: from outside, and as they are kept",
    "health": "whether a container is healthy",
    "log": "the log of releases",
    "rollout": "the roll-out of a release: as changes, and on the host",
    "switch": "the proxy's switch to other containers",
    "target": "what is checked from outside, and the release that is rolled out",
    "archive": "the archives of a backup",
    "backup": "a backup: its command, its schedule, what runs on the host",
    "catalogue": "the backups on a host",
    "certificate": "the certificate: how it is made, how it looks from outside",
    "compose": "compose.yaml",
    "containers": "the containers of the site: listed, started",
    "database": "the database: its container, its dump",
    "docker": "Docker: its packages and settings, its command line",
    "dotenv": "files of variables, and which of their names are secrets",
    "drill": "a restore drill",
    "environment": "the application's environment variables",
    "files": "files on the host: compared, written",
    "host_program": "the host program: shipped, put in place",
    "history": "the log of releases, and the releases that are kept",
    "hosts": "the hosts of the inventory: read, chosen",
    "images": "the images of a release",
    "latest_commit": "the latest commit of the ref",
    "lock": "the lock of the host",
    "logs": "the logs of a host",
    "maintenance": "the maintenance page",
    "manifest": "the manifests of backups",
    "nginx": "the configuration of the proxy",
    "offsite": "off-site snapshots",
    "packages": "Debian packages",
    "pair": "a certificate with its key",
    "process": "a program that is started",
    "proxy": "the running proxy",
    "release": "a release",
    "renew": "the renewal of the certificate",
    "restore": "a restore",
    "rollback": "a rollback",
    "tree": "the files below a directory: walked, listed",
    "source": "the source of a release: the repository and its commit",
    "verbs": "the verbs of the host program, and those of one noun",
    "verify": "the checks of the site from outside",
}
"""File names that stand in several folders, each with the one noun that all of them are about."""
TOP_LEVEL = {"__init__.py", "__main__.py", "errors.py", "py.typed", "secret.py"}
LATE_IMPORTS = {
    "cli/click.py": "difflib, which only a command that is misspelt needs",
    "cli/completion.py": "what connects, and the inventory, which `deployer --help` does not need",
    "cli/execute.py": "pydantic, which `deployer --help` does not need",
    "commands/demo.py": "the test bed, which is in a checkout only",
    "run/host_run.py": "rich, which a run with --json does not need",
    "run/resolver.py": "dnspython, which a run that resolves no name does not need",
    "transport/ssh.py": "fabric and paramiko, imported while the connection is opened in the background",
    "verify/outside.py": "TLS, HTTP and DNS libraries, which a run that verifies nothing does not need",
}
"""Files that import inside functions, and the cost that another run is spared."""
PRINTS = {"cli/execute.py": "the last resort, when Ctrl-C comes before there is a report"}

FILES = sorted(path for path in PACKAGE.rglob("*.py"))
SCRIPTS = sorted(path for path in PACKAGE.rglob("*.sh"))


MOST_LINES_OF_BASH = 600
FUNCTION = re.compile(r"^(\w+)\(\) *[{(]", re.MULTILINE)


def short(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def folder_of(module: str) -> str:
    """The folder below deployer/ that a module stands in; for one at the top level its own name."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in a file, also inside functions; of the package its submodules."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if _exists(name) else node.module for name in submodules)


def _exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


@pytest.mark.parametrize("path", [path for path in FILES if path != PACKAGE / "__init__.py"], ids=short)
def test_imports_point_one_way(path: Path) -> None:
    """A file imports its own folder or one further down the list, never one above."""
    own = folder_of(module_of(path))
    for module in imported(path):
        if module.startswith("deployer."):
            other = folder_of(module)
            wrong = ORDER.index(other) < ORDER.index(own)
            assert not wrong, f"{short(path)} imports {module}"


STEPS = sorted(path.stem for path in (PACKAGE / "steps").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_sections(name: str) -> None:
    """Each file of steps/ is one step that a command runs, titled by its section; it imports no other step."""
    step = import_module(f"deployer.steps.{name}")
    assert {"TITLE", "probes", "plan"} <= set(vars(step))
    assert SECTION.fullmatch(step.TITLE), step.TITLE
    assert name in {name_of(known) for known in (*GUIDE, *UPDATE)}
    if name not in COMBINED:
        modules = set(imported(PACKAGE / "steps" / f"{name}.py"))
        assert {other for other in STEPS if f"deployer.steps.{other}" in modules} <= set(SHARED)


def test_titles_of_steps_are_unique() -> None:
    """A title is how a step is reported."""
    titles = [import_module(f"deployer.steps.{name}").TITLE for name in STEPS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("path", FILES, ids=short)
def test_one_transport(path: Path) -> None:
    """Only deployer/transport imports fabric and paramiko."""
    ssh = [module for module in imported(path) if module.split(".")[0] in SSH]
    assert not ssh or "transport" in path.parts


@pytest.mark.parametrize("path", FILES, ids=short)
def test_one_printer(path: Path) -> None:
    """Only deployer/output prints, or knows how to."""
    if "output" in path.parts or short(path) in PRINTS:
        return
    calls = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    assert not [func for func in calls if isinstance(func, ast.Name) and func.id == "print"]
    assert not [module for module in imported(path) if module.split(".")[0] == "rich"]


@pytest.mark.parametrize("path", FILES, ids=short)
def test_no_any_in_signatures(path: Path) -> None:
    """A public function says what it takes and gives."""
    if short(path) in ANY:
        return
    for function in functions(path):
        if not function.name.startswith("_") or function.name == "__init__":
            names = [node for node in ast.walk(function.args) if isinstance(node, ast.Name)]
            names += [node for node in ast.walk(function.returns or function.args) if isinstance(node, ast.Name)]
            assert "Any" not in {node.id for node in names}, f"{short(path)}:{function.name}"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_circle_of_imports() -> None:
    """No file imports, over others or in a function, a file that imports it."""
    known = {module_of(path): path for path in FILES}
    graph = {module: {other for other in imported(path) if other in known} for module, path in known.items()}
    assert circles(graph) == []


def test_circles_are_found() -> None:
    """Of a graph each group of nodes that reach each other; a node that imports itself is a circle, too."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a", "e"}, "f": {"d"}}
    assert circles(graph) == [["a", "b", "c"], ["e"]]


def circles(graph: Mapping[str, Set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other: the strongly connected parts that have an edge."""
    reached = {node: reachable(graph, node) for node in graph}
    parts = {
        tuple(sorted(other for other in reached[node] if node in reached[other]))
        for node in graph
        if node in reached[node]
    }
    return [list(part) for part in sorted(parts)]


def reachable(graph: Mapping[str, Set[str]], start: str) -> set[str]:
    """All nodes at the end of a path of one edge or more."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = graph[waiting.pop()] - found
        found |= fresh
        waiting += fresh
    return found


def test_top_level() -> None:
    """At the top level of deployer/ there are folders, and the files of the list alone."""
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == TOP_LEVEL


def test_shared_stems() -> None:
    """A file name that stands in several folders is about one noun, which the list names."""
    folders = defaultdict(set)
    for path in (*FILES, *SCRIPTS):
        if path.parent != PACKAGE and path.stem != "__init__":
            folders[path.stem].add(path.relative_to(PACKAGE).parts[0])
    assert {stem for stem, among in folders.items() if len(among) > 1} - set(SHARED_STEMS) == set()


@pytest.mark.parametrize("path", FILES, ids=short)
def test_short_functions(path: Path) -> None:
    """A body of at most 25 lines, its docstring not counted."""
    found = {f"{short(path)}:{function.name}" for function in functions(path) if length(function) > 25}
    assert sorted(found - set(LONG)) == []


def test_most_functions_are_shorter() -> None:
    """In Python half of the bodies have at most 7 lines, and nine tenths at most 20."""
    lengths = sorted(length(function) for path in FILES for function in functions(path))
    assert statistics.median(lengths) <= 7
    assert ninth_decile(lengths) <= 20


def test_short_functions_of_bash() -> None:
    """In bash half of the bodies have at most 7 lines, nine tenths at most 20, and none more than 40."""
    found = {f"{short(path)}:{name}": lines for path in SCRIPTS for name, lines in bash_functions(path.read_text())}
    lengths = sorted(found.values())
    print(f"{len(lengths)} functions of bash: median {statistics.median(lengths)}, 90 % {ninth_decile(lengths)}")
    assert [name for name, lines in found.items() if lines > 40] == []
    assert statistics.median(lengths) <= 7
    assert ninth_decile(lengths) <= 20


def test_functions_of_bash_are_found() -> None:
    """On one line or over several, also inside another one; the closing brace is indented as the name."""
    text = "one() { echo; }\nmany() {\n  inner() {\n    echo }\n  }\n  inner\n}\nsub() (\n  cd /\n)\n"
    assert list(bash_functions(text)) == [("one", 1), ("many", 4), ("inner", 1), ("sub", 1)]


def ninth_decile(lengths: list[int]) -> int:
    """The length that nine tenths do not exceed; `lengths` are sorted."""
    return lengths[len(lengths) * 9 // 10]


_BASH_FUNCTION = re.compile(r"^(?P<indent> *)(?P<name>\w+)\(\) (?P<open>[{(])(?P<rest>.*)$", re.MULTILINE)


def bash_functions(text: str) -> Iterator[tuple[str, int]]:
    """Name and number of lines of each function's body."""
    for found in _BASH_FUNCTION.finditer(text):
        close = {"{": "}", "(": ")"}[found["open"]]
        if found["rest"].rstrip().endswith(close):
            yield found["name"], 1
        else:
            body = text[found.end() + 1 :].split(f"\n{found['indent']}{close}", maxsplit=1)[0]
            yield found["name"], len(body.split("\n"))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", FILES, ids=short)
def test_files(path: Path) -> None:
    """Each has a docstring that states what it is for."""
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", [*FILES, *SCRIPTS], ids=short)
def test_short_files(path: Path) -> None:
    """At most 300 lines, in Python as in bash."""
    assert lines_of(path) <= 300 or short(path) in TALL


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("path", FILES, ids=short)
def test_imports_are_at_the_top(path: Path) -> None:
    """The table of commands is lazy, so a module imports what it needs at its top, unless a cost is named."""
    assert not late_imports(path) or short(path) in LATE_IMPORTS


def late_imports(path: Path) -> list[ast.stmt]:
    inner = (node for function in functions(path) for node in ast.walk(function))
    return [node for node in inner if isinstance(node, ast.Import | ast.ImportFrom)]


def test_allowances_are_needed() -> None:
    """An exception that nobody needs any more is taken off its list."""
    for name in LONG:
        path, _, function = name.partition(":")
        assert [found for found in functions(PACKAGE / path) if found.name == function and length(found) > 25], name
    for name in ANY:
        assert "Any" in (PACKAGE / name).read_text(), name
    for name in TALL:
        assert lines_of(PACKAGE / name) > 300, name
    for name in LATE_IMPORTS:
        assert late_imports(PACKAGE / name), name
    for name in PRINTS:
        assert "print(" in (PACKAGE / name).read_text(), name


def test_every_test_says_what_it_expects() -> None:
    """Each of these tests has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{function.name}"
        for directory in ("tests/unit/steps", "tests/unit/scripts", "tests/unit/inventory")
        for path in sorted((ROOT / directory).glob("test_*.py"))
        for function in functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_commands_are_files() -> None:
    """`commands/` has one file for each command of the table; no command without a file, nothing else in there."""
    there = {path.name for path in (PACKAGE / "commands").iterdir() if path.name != "__pycache__"}
    assert there == {"__init__.py", *(f"{name}.py" for name in NAMES)}
    assert len(set(NAMES)) == len(NAMES)


def test_tasks_of_development_do_not_hide_commands() -> None:
    """`invoke check`, `bench` and `docs` have names that no command has."""
    names = list(namespace.task_names)
    assert set(NAMES) < set(names)
    assert {"check", "bench", "coverage", "docs", "release"} == set(names) - set(NAMES)


def test_bash_is_little() -> None:
    """What has to run where there may be no Python yet, and short questions; the rest is the host program."""
    lines = {short(path): len(path.read_text().splitlines()) for path in SCRIPTS}
    print(f"\n{sum(lines.values())} lines of bash: {lines}")
    assert sum(lines.values()) <= MOST_LINES_OF_BASH


def test_no_function_of_bash_is_defined_twice() -> None:
    """Scripts are joined: the later one would take the place of the other."""
    names = [name for path in SCRIPTS for name in FUNCTION.findall(path.read_text())]
    assert sorted(names) == sorted(set(names))
