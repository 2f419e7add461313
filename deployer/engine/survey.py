"""Many questions as one script, and its reply as answers: a run with nothing to do costs one round trip.

The questions run in parallel (process substitutions, no temporary files), each in a subshell of its own with no
input. Each prints `number exit-code length`, its output, `length`, its error: no encoding and no extra process.
A last line `done` distinguishes a complete reply from a truncated one.

Those that the host program answers are sent to one process of it, as JSON: a list of `[number, words]`. It prints all
of its answers in the same form; where it fails, they are asked by their scripts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from deployer.engine.facts import Answer, Ask
from deployer.errors import ConnectionFailed
from deployer.text.shell import quote

_ASK = """\
LC_ALL=C
set +e -o pipefail
ask() {
  local error
  exec 3>&1
  error=$( { out=$(eval "$2" 3>&-); code=$?; printf '%s %d %d\\n%s' "$1" "$code" "${#out}" "$out" >&3; } 2>&1 )
  printf '%d\\n%s\\n' "${#error}" "$error"
}"""


def questions(asked: Iterable[Ask]) -> tuple[Ask, ...]:
    """The questions without repetition: several steps may need the same fact, the host is asked once."""
    return tuple(dict.fromkeys(asked))


def script_for(asked: tuple[Ask, ...]) -> str:
    """Bash that asks all of them at once and prints one reply, closed by `done`."""
    numbered = tuple(enumerate(_scripts(asked)))
    programs = dict.fromkeys(ask.program for ask in asked if ask.words)
    commands = (
        *(_by_script(number, ask) for number, ask in numbered if not ask.words),
        *(_by_program(program, [item for item in numbered if item[1].words]) for program in programs),
    )
    starts = (f"exec {{fd{number}}}< <({command})" for number, command in enumerate(commands))
    readers = " ".join(f"/dev/fd/$fd{number}" for number in range(len(commands)))
    closes = " ".join(f"{{fd{number}}}<&-" for number in range(len(commands)))
    read = (f"cat {readers}", f"exec {closes}") if asked else ()
    return "\n".join((_ASK, *starts, *read, "echo 'done'"))


def _by_script(number: int, ask: Ask) -> str:
    return f"ask {number} {quote(ask.script)} </dev/null"


def _by_program(program: str, asked: Sequence[tuple[int, Ask]]) -> str:
    sent = json.dumps([(number, ask.words) for number, ask in asked if ask.program == program], separators=(",", ":"))
    scripts = "\n".join(_by_script(number, ask) for number, ask in asked if ask.program == program)
    return (
        f'if reply=$(printf %s {quote(sent)} | {program} 2>/dev/null && echo .); then printf %s "${{reply%.}}"\n'
        f"else\n{scripts}\nfi"
    )


def parse(reply: bytes, asked: tuple[Ask, ...]) -> Mapping[Ask, Answer]:
    """The answers by question. Raises ConnectionFailed when the reply is incomplete."""
    reader, scripts = _Reader(reply), _scripts(asked)
    numbered = dict(reader.answer() for _ in scripts)
    reader.end()
    if set(numbered) != set(range(len(scripts))):
        raise cut_short()
    answers = {ask: numbered[number] for number, ask in enumerate(scripts)}
    return {ask: _part(answers[replace(ask, part="")], ask.part) for ask in asked}


def _scripts(asked: Iterable[Ask]) -> tuple[Ask, ...]:
    """What is run: one that answers several questions once."""
    return questions(replace(ask, part="") for ask in asked)


def _part(answer: Answer, part: str) -> Answer:
    """The answer to one of the questions of a script."""
    if not part:
        return answer
    lines = (line for line in answer.output.split("\n") if line.startswith(f"{part} "))
    return replace(answer, output="\n".join(line[len(part) + 1 :] for line in lines))


class _Reader:
    """Reads a reply from front to back; anything unexpected means that it was truncated."""

    def __init__(self, reply: bytes) -> None:
        self._rest = reply

    def answer(self) -> tuple[int, Answer]:
        """The next one, with the number of its question."""
        header = self._line().split()
        if len(header) != 3:
            raise cut_short()
        output = self._take(_number(header[2]))
        error = self._take(_number(self._line()))
        self._line()
        return _number(header[0]), Answer(output, _number(header[1]), error)

    def end(self) -> None:
        if self._line() != "done":
            raise cut_short()

    def _line(self) -> str:
        line, newline, self._rest = self._rest.partition(b"\n")
        if not newline:
            raise cut_short()
        return line.decode(errors="replace")

    def _take(self, size: int) -> str:
        taken, self._rest = self._rest[:size], self._rest[size:]
        if len(taken) < size:
            raise cut_short()
        return taken.decode(errors="replace")


def _number(text: str) -> int:
    if not text.isdecimal():
        raise cut_short()
    return int(text)


def cut_short() -> ConnectionFailed:
    """The connection ended in the middle of an answer."""
    return ConnectionFailed(
        "the host's answer was cut short", remedy="run the same command again; the survey changed nothing"
    )
