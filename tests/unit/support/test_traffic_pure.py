"""What the traffic understands and how it counts, without a network."""

import asyncio
import threading
from pathlib import Path

import pytest

from testbed.application.src.records import Records, compare
from tests.support.traffic.frames import CLOSE, TEXT, Frame, packed, read_frame
from tests.support.traffic.judgement import Judgement, describe, judge
from tests.support.traffic.messages import Answer, Malformed, get, post, read_answer
from tests.support.traffic.pacing import Budget, Start
from tests.support.traffic.tally import EXAMPLES_OF_A_SORT, Tally, latency

PAGE = get("page, kept", "example.test", "/", keeps=True)
INSTANCE = get("instance, kept", "api.example.test", "/api/instance", keeps=True)
RECORD = post("record, own", "api.example.test", "/api/records", b"{}", key="k-1", keeps=False)


def stream(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def answer(data: bytes) -> Answer:
    async def read() -> Answer:
        return await read_answer(stream(data))

    return asyncio.run(read())


def test_requests_say_whether_the_connection_is_kept() -> None:
    assert PAGE.data == b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"
    assert RECORD.data == (
        b"POST /api/records HTTP/1.1\r\nHost: api.example.test\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\nIdempotency-Key: k-1\r\n\r\n{}"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", Answer(200, False, b"ab")),
        (b"HTTP/1.1 502 Bad\r\ncontent-length:0\r\nConnection: close\r\n\r\n", Answer(502, True, b"")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            Answer(200, False, b"abc"),
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", Answer(200, True, b"until the end")),
    ],
)
def test_answers_are_read_whole(data: bytes, expected: Answer) -> None:
    assert answer(data) == expected


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"]
)
def test_an_answer_that_ends_too_early_is_none(data: bytes) -> None:
    with pytest.raises(asyncio.IncompleteReadError) as raised:
        answer(data)
    assert "the connection ended after" in describe(raised.value)


def test_what_is_no_http_is_no_answer() -> None:
    with pytest.raises(Malformed):
        answer(b"\x15\x03\x03 alert\r\n\r\n")


@pytest.mark.parametrize("status", [101, 204, 301, 404, 429, 500, 502, 503, 504])
def test_any_status_but_200_is_wrong(status: int) -> None:
    assert str(status) in judge(PAGE, Answer(status, False, b"page")).wrong


def test_an_answer_has_to_say_what_was_asked_for() -> None:
    assert judge(PAGE, Answer(200, False, b"page")) == Judgement()
    assert judge(PAGE, Answer(200, False, b"")).wrong
    assert judge(RECORD, Answer(200, False, b'{"key":"k-1","runs":1}')) == Judgement()
    assert judge(RECORD, Answer(200, False, b'{"key":"k-1","runs":2}')).wrong
    assert judge(RECORD, Answer(200, False, b'{"key":"k-2","runs":1}')).wrong
    assert judge(INSTANCE, Answer(200, False, b'{"version":"2","container":"c"}')) == Judgement("", "2", "c")
    assert judge(INSTANCE, Answer(200, False, b"{")).wrong


def test_latency_is_by_nearest_rank() -> None:
    measured = latency([float(number) for number in range(100, 0, -1)])
    assert (measured.median, measured.p99, measured.longest) == (50.0, 99.0, 100.0)
    assert latency([]).longest == 0.0


def test_the_tally_keeps_a_few_examples_and_every_key(tmp_path: Path) -> None:
    tally = Tally()
    for _ in range(EXAMPLES_OF_A_SORT + 2):
        tally.took("page, own", 1.0, quick=True)
        tally.fail("page, own", "status 502")
    for version, container in (("1", "a"), ("2", "b"), ("1", "a")):
        tally.saw(version, container)
    tally.keys.update({"k-1": 200, "k-2": 0})
    counts = tally.counts(tmp_path / "keys", timed_out=False)
    assert (counts.in_all, counts.failures, len(counts.examples)) == (5, 5, EXAMPLES_OF_A_SORT)
    assert [(seen.version, seen.count) for seen in counts.sightings] == [("1", 2), ("2", 1)]
    assert (tmp_path / "keys").read_text() == "k-1 200\nk-2 0\n"


def test_frames() -> None:
    async def read() -> list[Frame | None]:
        reader = stream(b"\x81\x02ab" + b"\x88\x02\x03\xf4" + b"\x81\x7e\x00\x80" + b"x" * 128)
        return [await read_frame(reader) for _ in range(4)]

    assert asyncio.run(read()) == [Frame(TEXT, b"ab"), Frame(CLOSE, b"\x03\xf4"), Frame(TEXT, b"x" * 128), None]
    assert packed(TEXT, b"Hello", b"\x37\xfa\x21\x3d") == b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"


def test_the_budget_ends_with_the_traffic() -> None:
    async def admitted() -> list[bool]:
        ended = asyncio.Event()
        budget = Budget(ended, most=2, rate=1000)
        taken = [await budget.admit(), await budget.admit()]
        waiting = asyncio.ensure_future(budget.admit())
        await asyncio.sleep(0)
        assert not waiting.done()
        ended.set()
        return [*taken, await waiting]

    assert asyncio.run(admitted()) == [True, True, False]


def test_the_rate_is_kept() -> None:
    async def taken() -> float:
        budget, loop = Budget(asyncio.Event(), rate=200), asyncio.get_running_loop()
        began = loop.time()
        for _ in range(11):
            await budget.admit()
        return loop.time() - began

    assert asyncio.run(taken()) >= 10 / 200


def test_the_start_waits_for_everybody() -> None:
    start = Start(2)
    start.heard("one")
    start.heard("one")
    assert not start.complete.is_set()
    start.heard("two")
    assert start.complete.is_set()


def test_records_of_two_containers_are_counted_together(tmp_path: Path) -> None:
    """The fixture application, twice on one data directory: each sees every run of both."""
    one, other = Records(tmp_path), Records(tmp_path)
    adding = [
        threading.Thread(target=lambda writer, name: [writer.add(f"{name}-{at}", "v") for at in range(50)], args=pair)
        for pair in ((one, "one"), (other, "other"))
    ]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()
    other.add("one-7", "again")
    asked = ["one-7", "one-8", "other-49", "never"]
    expected = {"keys": 100, "runs": 101, "missing": ["never"], "repeated": {"one-7": 2}}
    assert one.prove(asked) == other.prove(asked) == Records(tmp_path).prove(asked) == expected
    assert compare(tmp_path)["consistent"] is True
