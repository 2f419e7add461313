"""docs/inventory.md, inventory/example.toml and the JSON Schema follow from the inventory's tables."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping

import pytest
from click.testing import CliRunner

from deployer.cli.click import Commands
from deployer.inventory.describe import Key, tables
from deployer.inventory.documents import example_toml, filled
from deployer.inventory.json_schema import DIALECT, schema
from deployer.inventory.mistakes import NOT_AVAILABLE
from deployer.inventory.rules import RULES
from deployer.text.dotenv import SECRET_WORDS

from .example import EXAMPLE, REPOSITORY, SMALLEST, keys, with_key
from .test_values import RIGHT, WRONG

Json = Mapping[str, object]
SCHEMA = json.loads(json.dumps(schema()))
KEYS = [key for table in tables() for key in table.keys]
DOCS = REPOSITORY / "docs" / "inventory.md"
READ_ELSEWHERE = {
    "backend.image": r"settings\[\"image\"\]|\.image\b",
    "backend.context": r"settings\[\"context\"\]",
    "backend.dockerfile": r"settings\[\"dockerfile\"\]",
    "wallet.image": r"\.image\b",
    "backup.keep_days": r"keep\.keep_days",
    "backup.keep_min": r"keep\.keep_min",
}
"""Keys that are read through a variable of another name, and how."""

ASSERTIONS = {"type", "enum", "pattern", "not", "minimum", "maximum", "items", "properties", "required"}
ASSERTIONS |= {"additionalProperties", "propertyNames"}
ANNOTATIONS = {"$schema", "title", "description", "default", "examples"}
TYPES: dict[object, type | tuple[type, ...]] = {"object": dict, "array": list, "string": str, "boolean": bool}


def errors(value: object, rules: Json) -> Iterator[str]:
    """What is wrong with a value: the part of draft 2020-12 that the schema uses."""
    kind = rules.get("type")
    if kind == "integer" and (not isinstance(value, int) or isinstance(value, bool)):
        yield "not an integer"
    elif kind in TYPES and not isinstance(value, TYPES[kind]):
        yield f"not of type {kind}"
    elif isinstance(value, dict):
        yield from _errors_of_object(value, rules)
    elif isinstance(value, list):
        yield from (error for item in value for error in errors(item, _rules(rules["items"])))
    else:
        yield from _errors_of_scalar(value, rules)


def _errors_of_scalar(value: object, rules: Json) -> Iterator[str]:
    if "enum" in rules and value not in list(rules["enum"]):  # type: ignore[call-overload]
        yield f"{value} is no choice"
    if isinstance(value, str) and not re.search(str(rules.get("pattern", "")), value):
        yield f"{value} does not match"
    if isinstance(value, str) and "not" in rules and re.search(str(_rules(rules["not"])["pattern"]), value):
        yield f"{value} must not match"
    if isinstance(value, int) and not rules.get("minimum", value) <= value <= rules.get("maximum", value):  # type: ignore[operator]
        yield f"{value} is out of range"


def _errors_of_object(value: Mapping[str, object], rules: Json) -> Iterator[str]:
    properties, others = _rules(rules.get("properties", {})), rules.get("additionalProperties", {})
    yield from (f"{name} is missing" for name in list(rules.get("required", [])) if name not in value)  # type: ignore[call-overload]
    for name, inner in value.items():
        yield from errors(name, _rules(rules.get("propertyNames", {})))
        if name not in properties and others is False:
            yield f"{name} is unknown"
        else:
            yield from errors(inner, _rules(properties.get(name, others)))


def _rules(value: object) -> Json:
    assert isinstance(value, dict)
    return value


def schemas(rules: Json) -> Iterator[Json]:
    """A schema and all inside it."""
    yield rules
    for inner in _rules(rules.get("properties", {})).values():
        yield from schemas(_rules(inner))
    for word in ("items", "additionalProperties", "propertyNames", "not"):
        if isinstance(rules.get(word), dict):
            yield from schemas(_rules(rules[word]))


class TestDocuments:
    def test_docs_are_up_to_date(self) -> None:
        """`invoke docs` would change nothing; the generated parts are there."""
        text = DOCS.read_text()
        assert filled(text) == text
        assert text.count("<!-- generated: ") == text.count("<!-- end -->") == 2

    def test_example_is_up_to_date(self) -> None:
        """`invoke docs` would change nothing."""
        assert EXAMPLE.read_text() == example_toml()

    @pytest.mark.parametrize("key", KEYS, ids=lambda key: key.dotted)
    def test_every_key_is_described(self, key: Key) -> None:
        """In a sentence, with an example that the schema accepts."""
        assert re.fullmatch(r"[A-Zf].{8,}[.]", key.text)
        if key.example is not None:
            assert not list(errors(key.example, _of(key.dotted)))

    def test_every_rule_is_described(self) -> None:
        """Its docstring is a line of the page."""
        assert all(rule.__doc__ and rule.__doc__.strip() in DOCS.read_text() for rule in RULES)

    def test_the_words_of_secrets(self) -> None:
        """The page lists them as the rule has them."""
        text = " ".join(DOCS.read_text().split())
        assert f"its name contains {', '.join(SECRET_WORDS[:-1])} or {SECRET_WORDS[-1]}," in text


def _of(dotted: str) -> Json:
    found: Json = SCHEMA
    for word in dotted.split("."):
        found = _rules(_rules(found["properties"])[word])
    return found


class TestSchema:
    def test_structure(self) -> None:
        """Draft 2020-12, with no word that this test does not know; every pattern compiles and is anchored."""
        assert SCHEMA["$schema"] == DIALECT
        for found in schemas(SCHEMA):
            assert set(found) <= ASSERTIONS | ANNOTATIONS
            if "pattern" in found and found["pattern"] not in [rule.get("not", {}).get("pattern") for rule in _all()]:
                assert re.compile(str(found["pattern"])) and str(found["pattern"]).startswith("^(?:")

    def test_every_key(self) -> None:
        """Each key has its description, and its default where it has one."""
        for key in KEYS:
            assert _of(key.dotted)["description"]
            assert ("default" in _of(key.dotted)) is not (key.is_required or bool(key.default)), key.dotted

    def test_valid(self) -> None:
        """The example and the smallest inventory are valid; choices and ranges are named."""
        for text in (EXAMPLE.read_text(), SMALLEST):
            assert list(errors(tomllib.loads(text), SCHEMA)) == []
        assert _of("tls.mode")["enum"] == ["letsencrypt", "self-signed", "provided"]
        assert (_of("ssh.port")["minimum"], _of("ssh.port")["maximum"]) == (1, 65535)

    @pytest.mark.parametrize(("key", "value"), RIGHT)
    def test_accepts_what_the_tool_accepts(self, key: str, value: object) -> None:
        """An editor marks nothing that the tool takes."""
        assert list(errors(with_key(key, value), SCHEMA)) == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("ssh.port", "22"),
            ("ssh.port", 65536),
            ("ssh.prt", 22),
            ("tls.mode", "none"),
            ("site.domain", "example"),
            ("site.aliases", "www.example.com"),
            ("nginx.rate_limit", "fast"),
            ("backend.overlap", 1),
            ("environment", {"stripe_token": "x"}),
            ("environment", {"A": 1}),
            ("monitoring", {"enabled": True}),
        ],
    )
    def test_refuses(self, key: str, value: object) -> None:
        """Wrong types, choices, ranges, patterns, unknown keys and secrets."""
        assert list(errors(with_key(key, value), SCHEMA))

    def test_refuses_most_of_what_the_tool_refuses(self) -> None:
        """Patterns may be wider than the tool's checks, but not useless."""
        missed = [(key, value) for key, value in WRONG if not list(errors(with_key(key, value), SCHEMA))]
        assert len(missed) < len(WRONG) * 0.4

    def test_required(self) -> None:
        """An inventory without an address or a domain is not valid."""
        assert sorted(errors({"ssh": {}}, SCHEMA)) == ["address is missing", "site is missing"]

    def test_command(self) -> None:
        """`deployer schema` prints it; with --json as an event."""
        printed = CliRunner().invoke(Commands(), ["schema"]).stdout
        assert json.loads(printed) == SCHEMA
        assert json.loads(CliRunner().invoke(Commands(), ["schema", "--json"]).stdout)["schema"] == SCHEMA


def _all() -> list[dict[str, dict[str, object]]]:
    return [dict(found) for found in schemas(SCHEMA)]  # type: ignore[arg-type]


def test_every_key_is_read() -> None:
    """A key that no code reads would be a promise that nothing keeps: it belongs in NOT_AVAILABLE."""
    package = REPOSITORY / "deployer"
    left_out = {"sections.py", "application.py", "create.py", "rules.py"}
    files = [path for path in package.rglob("*") if path.suffix in (".py", ".conf") and path.name not in left_out]
    text = "\n".join(path.read_text() for path in [*files, package / "site" / "templates" / "upstreams"])
    unread = [key for key in keys() if not re.search(READ_ELSEWHERE.get(key, _use(key)), text)]
    assert unread == []


def _use(key: str) -> str:
    """`host.backend.port`, or `backend.port`; a key at the top is read from the host or in the model itself."""
    return rf"\b{re.escape(key)}\b" if "." in key else rf"\b(?:host|self)\.{key}\b"


@pytest.mark.parametrize("key", NOT_AVAILABLE)
def test_keys_that_do_nothing_are_not_documented(key: str) -> None:
    """Neither in the page nor in the example nor in the schema as a key that works."""
    assert not re.search(rf"\| `\[?{re.escape(key)}", DOCS.read_text())
    assert key.rpartition(".")[2] not in EXAMPLE.read_text()
    assert key.rpartition(".")[2] not in json.dumps(SCHEMA)
