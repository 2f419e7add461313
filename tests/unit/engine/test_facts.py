"""Facts: an answer, an empty one, and none are three different things."""

import pytest

from deployer.engine.facts import Answer, Facts, Unknown


def test_trailing_newlines_are_left_out() -> None:
    """What a command ends its output with is no part of the answer; spaces and blank lines within are."""
    facts = Facts.of(text="one\n\n two \n\n")
    assert facts["text"] == "one\n\n two "
    assert facts.lines("text") == ("one", "", " two ")


def test_only_a_newline_ends_a_line() -> None:
    """Signs that Python takes for the end of a line belong to a value."""
    assert Facts.of(text="a\u2028b\x0bc\x85\x1ed\ne").lines("text") == ("a\u2028b\x0bc\x85\x1ed", "e")


def test_empty_answer_is_absent() -> None:
    """Exit 0 and nothing said: it is not there, which is an answer."""
    facts = Facts.of(text="")
    assert facts["text"] == ""
    assert facts.lines("text") == ()
    assert facts.pairs("text") == {}


@pytest.mark.parametrize("read", [Facts.__getitem__, Facts.lines, Facts.pairs])
def test_failed_question_is_unknown(read: object) -> None:
    """Any other exit code is no answer, whatever was printed."""
    facts = Facts({"text": Answer("half an answer", 3, "first\nno permission\n")})
    assert callable(read)
    with pytest.raises(Unknown, match=r"^no permission$") as caught:
        read(facts, "text")
    assert caught.value.key == "text"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("on stdout\n", 1, ""), "on stdout"),
        (Answer("", 1, "on stderr\n"), "on stderr"),
        (Answer("", 137, ""), "text: exit code 137"),
    ],
)
def test_reason(answer: Answer, reason: str) -> None:
    """The last line of what the host said, or the exit code where it said nothing."""
    with pytest.raises(Unknown) as caught:
        Facts({"text": answer})["text"]
    assert str(caught.value) == reason


def test_pairs() -> None:
    """NAME=VALUE lines; the value may hold further signs, other lines are passed over, the last of a name counts."""
    assert Facts.of(text="a=1\nb=x=y\nnoise\na=2\nempty=").pairs("text") == {"a": "2", "b": "x=y", "empty": ""}


def test_question_that_was_not_asked() -> None:
    """A step that reads what it did not ask for is a mistake of ours, found at once."""
    with pytest.raises(KeyError):
        Facts.of()["text"]
