"""What no caller should send, by the kind of place that it is sent to."""

import base64
import json
from typing import Any

DEPTH = 100_000
LARGEST_BODY = 1_000_000

DAYS = ("2019-02-30", "0000-01-01", "2019-2-3", "10000-01-01", "20190203", "2019-W05-3", "1899-12-31", "3000-01-01")
INSTANTS = (
    *("2019-02-30T00:00:00Z", "2019-02-03", "2019-02-03T00:00:00", "2019-02-03T25:00:00Z", "2019-02-03T00:00:60Z"),
    *("2019-02-03T00:00:00+25:00", "2019-02-03T00:00:00+0100", "2019-02-03T00:00:00+01", "0000-01-01T00:00:00Z"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2019-02-03T00:00:00.0000000000000Z"),
)
NUMERALS = ("-1", "0", "1.5", "1e3", "+1", "0x10", "１", "1_0", " 1", "NaN", str(2**53), str(2**63), "9" * 5000)
# Odd, and most of it good text.
TEXTS = (
    *("", " ", "\t\n", "a\u2028b", "\u202eabc", "\ufffe\uffff", "🜁" * 40, "\x1b[31m\x7f\x85", "a" * 9_999),
    *("'; DROP TABLE milestone; --", "%_\\", "<script>alert(1)</script>", "=1+1", "../../etc/passwd", "a" * 60_000),
)
URL_TEXTS = ("", " ", "x", "null", "[]", "\ufffe\uffff", "%", "a" * 60_000)
# Neither well-formed percent-encoding, nor UTF-8 beneath it, nor text without NUL.
ENCODINGS = ("%zz", "%", "%2", "%ff", "%c3%28", "%ed%a0%80", "%f4%90%80%80", "%00", "a%00b")

# Other than text; for every field of a body.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**31, 2**53, 2**63, 10**39),
    *([], {}, [[]], [None], [{}], [1, 1], [-1], [2**63], ["a", "a"], list(range(1, 1000)), {"a": 1}),
)
# What no strict reader of JSON takes, or what no database keeps: refused in every field.
NEVER = (
    *(b"NaN", b"-Infinity", b"1e400", b"9" * 5000, rb'"\ud800"', rb'"a\udfffb"', rb'"\u0000"', rb'"a\u0000b"'),
    *(b'"\xff"', b'"\xed\xa0\x80"', b'"\x00"', b'{"a":1,"\\u0061":2}', b"[" * DEPTH + b"]" * DEPTH),
)
# Refused as a whole body, whatever the operation.
BODIES = (
    *(b"", b" ", b"null", b"true", b"1", b'"x"', b"[]", b"[{}]", b"{", b"}", b'{"a"}', b"{'a':1}", b"{}{}", b"\x00"),
    *(b"\xff\xfe", b'{"a":"\xff"}', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'{"a":1,"a":2}', b"a=1&b=2", b"[1,]"),
    *(b'{"no_such_field":1}', b'{"":1}', b'{"__proto__":{}}', rb'{"\ud800":1}', rb'{"\u0000":1}', b'{"~1/":1}'),
    *(b"[" * DEPTH, b"[" * DEPTH + b"]" * DEPTH, b'{"a":' * DEPTH + b"1" + b"}" * DEPTH, b"1" * 10_000, b"1e400"),
    b"{" + b",".join(b'"f%d":1' % number for number in range(10_000)) + b"}",
)
TYPES = (b"", b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"\xff", b"json")
KEYS = (b"", b" ", b"a b", b"x" * 256, b"x" * 100_000, b"\xff", "é".encode(), b"a\tb", b"a\x00b")
TAGS = (b"", b"x", b'"', b'W/"x"', b",,,", b"\xff", b'"' + b"x" * 100_000 + b'"', b'"a", "b"', b"null", b"\x00")
CREDENTIALS = (
    *(b"", b" ", b"Bearer", b"Bearer ", b"Bearer x", b"Bearer \xff", "Bearer é".encode(), b"Digest a", b"Bearer a b"),
    *(
        b"Basic",
        b"Basic x",
        b"Basic =",
        b"Basic " + base64.b64encode(b"\xff:\xff"),
        b"\x00",
        b"Basic " + b"A" * 100_000,
    ),
    *(b"Bearer " + b"x" * 100_000, b"Bearer trk_" + b"0" * 16 + b"_" + b"a" * 43),
)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


_PLACES: tuple[Any, ...] = (
    *(None, True, 1, "", "x", {}, [[]], [["id"]], [["id", None]], [["id", "x"]], [["id", 1.5]], [["id", True]]),
    *([["id", 2**63]], [["id", -(2**63) - 1]], [["id", 10**300]], [["id", [1]]], [["id", {"a": 1}]], [["id", 1, 2]]),
    *([["-id", 1]], [["no_such", 1]], [["id", 1], ["id", 1]], [[["id"], 1]], [[{}, 1]], ["id"], {"id": 1}),
)
CURSORS = (
    *(
        "x",
        "====",
        "!!!!",
        "-",
        "é",
        "a" * 3000,
        "0" * 2000,
        "1.",
        ".1",
        "1.1.1",
        "１",
        "-1",
        "9" * 30,
        "9" * 20 + ".1",
    ),
    *(_encoded(json.dumps(place).encode()) for place in _PLACES),
    *(_encoded(raw) for raw in (b"\xff", b"[" * 1400, b"[" * 700 + b"]" * 700, b'[["id",NaN]]', b'[["id",1e400]]')),
)
# For a list sorted by a text and one sorted by a day.
CURSORS_OF_TEXT = tuple(
    _encoded(json.dumps([["ref", value], ["id", 1]]).encode())  # type: ignore[var-annotated]
    for value in (None, 1, True, [], "\0", "\ud800", {"a": 1})
)
CURSORS_OF_DAY = tuple(_encoded(json.dumps([["due_on", day], ["id", 1]]).encode()) for day in (*DAYS, 1, [], "\0", "x"))  # type: ignore[var-annotated]
