"""Questions to a host, and its answers. Questions are data; the survey asks them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ask:
    """A question to the host: bash that only reads, run as root.

    Exit 0 is an answer, and an empty one means absent. Any other exit code makes the fact unknown.

    With `words` it is a question to the host program: `program` is the command that answers all such questions in one
    process, and the script is run only where that is not in place.

    With `part` one script answers several questions: the answer is what follows this word in the lines that begin with
    it.
    """

    script: str
    words: tuple[str, ...] = ()
    program: str = ""
    part: str = ""


@dataclass(frozen=True)
class Resolve:
    """A question to the name servers, asked from the operator's machine: which addresses has this name?"""

    name: str


Probes = Mapping[str, Ask | Resolve]


@dataclass(frozen=True)
class Answer:
    """The reply to one question."""

    output: str
    exit_code: int = 0
    error: str = ""


class Unknown(Exception):
    """A step needs a fact that the host could not answer (yet)."""

    def __init__(self, key: str, answer: Answer) -> None:
        reason = (answer.error or answer.output).strip().splitlines()
        super().__init__(reason[-1] if reason else f"{key}: exit code {answer.exit_code}")
        self.key = key


@dataclass(frozen=True)
class Facts:
    """The answers to one step's questions, by the step's own names."""

    answers: Mapping[str, Answer] = field(default_factory=dict)

    @classmethod
    def of(cls, **answers: str) -> "Facts":
        """Facts for a test: every question was answered."""
        return cls({key: Answer(output) for key, output in answers.items()})

    def __getitem__(self, key: str) -> str:
        """The answer without trailing newlines. Raises Unknown when the host could not answer."""
        answer = self.answers[key]
        if answer.exit_code != 0:
            raise Unknown(key, answer)
        return answer.output.rstrip("\n")

    def lines(self, key: str) -> tuple[str, ...]:
        """Only a newline ends a line: a value may contain the other characters at which splitlines() splits."""
        return tuple(self[key].split("\n")) if self[key] else ()

    def pairs(self, key: str) -> Mapping[str, str]:
        """An answer of `name=value` lines as a mapping."""
        return dict(_pairs(self.lines(key)))


def _pairs(lines: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, found, value = line.partition("=")
        if found:
            yield name, value
