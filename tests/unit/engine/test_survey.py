"""The survey with real bash: many questions in one script, each answered whatever the others do."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.engine.facts import Answer, Ask
from deployer.engine.survey import parse, questions, script_for
from deployer.errors import ConnectionFailed
from deployer.text.shell import quote


def reply_to(*scripts: str) -> bytes:
    script = script_for(tuple(map(Ask, scripts)))
    ran = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, stdin=subprocess.PIPE, timeout=20, check=False)
    return ran.stdout


def answers(*scripts: str) -> list[Answer]:
    asked = tuple(map(Ask, scripts))
    answers = parse(reply_to(*scripts), asked)
    return [answers[ask] for ask in asked]


def test_none() -> None:
    """No question is a survey too."""
    assert answers() == []


def test_order() -> None:
    """Answers come by question, whichever is ready first."""
    assert [answer.output for answer in answers("sleep 0.3; echo slow", "echo quick")] == ["slow", "quick"]


def test_side_by_side() -> None:
    """Twenty questions that wait take as long as one: they are asked at the same time."""
    script = script_for(tuple(Ask(f"sleep 0.5; echo {number}") for number in range(20)))
    subprocess.run(["bash", "-c", script], stdout=subprocess.DEVNULL, timeout=5, check=True)


def test_failing_question() -> None:
    """Its exit code and its words are its own; the next question is answered."""
    broken, fine = answers("echo half; echo reason >&2; exit 7", "echo fine")
    assert broken == Answer("half", 7, "reason")
    assert fine == Answer("fine")


def test_several_answers_of_one_script(tmp_path: Path) -> None:
    """It runs once; each question has the lines that begin with its word, and all of them fail together."""
    script = f"echo x >>{tmp_path}/runs; printf 'one a\\none b\\ntwo c d\\nonetime e\\n'"
    asked = tuple(Ask(script, part=part) for part in ("one", "two", "three"))
    ran = subprocess.run(["bash", "-c", script_for(asked)], stdout=subprocess.PIPE, timeout=20, check=False)
    found = parse(ran.stdout, asked)
    assert [found[ask].output for ask in asked] == ["a\nb", "c d", ""]
    assert (tmp_path / "runs").read_text() == "x\n"
    failing = Ask("echo one; exit 4", part="one")
    assert parse(b"0 4 3\none0\n\ndone\n", (failing,))[failing].exit_code == 4


def test_missing_tool() -> None:
    """A command that is not there is no empty answer."""
    missing, fine = answers("no-such-tool --list", "echo fine")
    assert missing.exit_code == 127
    assert "no-such-tool" in missing.error
    assert fine.output == "fine"


def test_failure_inside_a_pipe() -> None:
    """`pipefail` holds: what fails before a pipe is not hidden by what follows."""
    assert answers("exit 3 | cat")[0].exit_code == 3


def test_syntax_error() -> None:
    """A question that bash cannot read fails alone."""
    broken, fine = answers("if then", "echo fine")
    assert broken.exit_code != 0
    assert fine.output == "fine"


def test_question_that_reads_its_input() -> None:
    """It gets nothing: the input belongs to the run."""
    assert answers("cat; echo end", "read -r line || echo nothing") == [Answer("end"), Answer("nothing")]


def test_questions_do_not_disturb_each_other() -> None:
    """Directory, variables, options and functions of one do not reach another."""
    scripts = ("cd /; value=1; set -e; ask() { :; }; echo $PWD", 'echo "${value-unset}"; false; echo on')
    assert [answer.output for answer in answers(*scripts)] == ["/", "unset\non"]


def test_binary_output() -> None:
    """Bytes that are no text do not break the reply; NUL is what bash cannot keep."""
    binary, fine = answers(r"printf '\377\376\000\001done\n5 0 3\n'", "echo fine")
    assert binary.output == "\ufffd\ufffd\x01done\n5 0 3"
    assert fine.output == "fine"


def test_large_output() -> None:
    """Megabytes on both outputs at once do not lock up."""
    (large,) = answers("head -c 2000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' e >&2")
    assert (len(large.output), len(large.error)) == (2_000_000, 300_000)


def test_multibyte_text() -> None:
    """Lengths are counted in bytes."""
    assert [answer.output for answer in answers("echo 'žluťoučký 🐎'", "echo ok")] == ["žluťoučký 🐎", "ok"]


def test_what_looks_like_the_end() -> None:
    """An answer may hold the words of the protocol."""
    assert answers("printf 'done\\n0 0 1\\n'", "echo done")[0].output == "done\n0 0 1"


def test_asked_once() -> None:
    """The same question of several steps travels once."""
    assert questions([Ask("a"), Ask("b"), Ask("a")]) == (Ask("a"), Ask("b"))


WHOLE = reply_to("echo one", "echo two >&2; exit 3")


@pytest.mark.parametrize("size", range(len(WHOLE)))
def test_cut_reply(size: int) -> None:
    """A reply cut at any byte is an error of the connection, never `absent`."""
    with pytest.raises(ConnectionFailed) as caught:
        parse(WHOLE[:size], (Ask("a"), Ask("b")))
    assert caught.value.exit_code == 3
    assert "run the same command again" in caught.value.remedy


@pytest.mark.parametrize("reply", [b"", b"bash: syntax error\n", b"1 0 0\n0\n\ndone\n", b"0 x 0\n0\n\ndone\n"])
def test_other_reply(reply: bytes) -> None:
    """Something else than a reply is taken for none."""
    with pytest.raises(ConnectionFailed):
        parse(reply, (Ask("a"),))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=5))
def test_any_text_comes_back(wanted: list[str]) -> None:
    """Whatever a question prints is its answer, but for newlines at the end."""
    asked = tuple(Ask(f"printf %s {quote(text)}; : {number}") for number, text in enumerate(wanted))
    script = script_for(asked)
    ran = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, timeout=20, check=True)
    answers = parse(ran.stdout, asked)
    assert [answers[ask].output for ask in asked] == [text.rstrip("\n") for text in wanted]
