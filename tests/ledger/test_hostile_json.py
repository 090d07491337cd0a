"""Strict reading: nothing is coerced, nothing is read twice, nothing breaks the reader. Each row with its answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.decider import DECODERS
from ledger.errors import Malformed
from ledger.message import Message, read_message

HEAD = (
    '"specversion":"1.0","source":"s","type":"charge.posted","subject":"alice","time":"2026-03-01T10:00:00Z"'
)
DATA = '"charge":"c1","service":"mobile","currency":"EUR"'
GOOD = '{%s,"id":"1","data":{%s,"net":5}}' % (HEAD, DATA)  # noqa: UP031 - braces stand for themselves


def whole(data: str, head: str = '"id":"1"') -> bytes:
    return f'{{{HEAD},{head},"data":{{{data}}}}}'.encode()


def with_net(net: str) -> bytes:
    return whole(f'{DATA},"net":{net}')


def with_text(text: bytes) -> bytes:
    """The description's bytes as they stand in the JSON, quotes included."""
    return whole(f'{DATA},"net":5,"description":@').replace(b"@", text)


def with_time(time: str) -> bytes:
    return GOOD.replace("2026-03-01T10:00:00Z", time).encode()


def read(raw: bytes) -> Message:
    return read_message(raw, DECODERS, "principal")


HOSTILE = (
    ("empty", b"", "json_invalid", ""),
    ("white space only", b"  \n", "json_invalid", ""),
    ("array for object", b"[]", "field_type_wrong", ""),
    ("null for object", b"null", "field_type_wrong", ""),
    ("text for object", b'"x"', "field_type_wrong", ""),
    ("trailing garbage", GOOD.encode() + b"x", "json_invalid", ""),
    ("two documents", GOOD.encode() * 2, "json_invalid", ""),
    ("truncated", GOOD.encode()[:-1], "json_invalid", ""),
    ("trailing comma", whole(f'{DATA},"net":5,'), "json_invalid", ""),
    ("comment", GOOD.encode() + b"//", "json_invalid", ""),
    ("single quotes", b"{'id':'1'}", "json_invalid", ""),
    ("byte order mark", b"\xef\xbb\xbf" + GOOD.encode(), "json_invalid", ""),
    ("UTF-16", GOOD.encode("utf-16"), "json_invalid", ""),
    ("bad UTF-8 in data", with_text(b'"\xff"'), "utf8_invalid", "/data"),
    ("overlong UTF-8", with_text(b'"\xc0\x80"'), "utf8_invalid", "/data"),
    ("surrogate in UTF-8", with_text(b'"\xed\xa0\x80"'), "utf8_invalid", "/data"),
    ("bad UTF-8 in an attribute", whole(DATA, '"id":"@"').replace(b"@", b"\xff"), "utf8_invalid", ""),
    ("bad UTF-8 in a key", b'{"\xff":1}', "utf8_invalid", ""),
    ("lone high surrogate", with_text(rb'"\ud800"'), "json_invalid", ""),
    ("high surrogate and a letter", with_text(rb'"\ud800A"'), "json_invalid", ""),
    ("two high surrogates", with_text(rb'"\ud800\ud800"'), "json_invalid", ""),
    ("lone low surrogate", with_text(rb'"\udc00"'), "json_invalid", ""),
    ("surrogates the wrong way round", with_text(rb'"\udc00\ud800"'), "json_invalid", ""),
    ("lone surrogate in a skipped attribute", whole(DATA, r'"id":"\udc00"'), "json_invalid", ""),
    ("NUL escaped", with_text(rb'"a\u0000b"'), "text_not_allowed", "/data/description"),
    ("NUL raw", with_text(b'"a\x00b"'), "json_invalid", ""),
    ("NUL in id", whole(f'{DATA},"net":5', r'"id":"\u0000"'), "text_not_allowed", "/id"),
    ("line break escaped", with_text(rb'"a\nb"'), "text_not_allowed", "/data/description"),
    ("line break raw", with_text(b'"a\nb"'), "json_invalid", ""),
    ("tab in id", whole(f'{DATA},"net":5', r'"id":"a\tb"'), "text_not_allowed", "/id"),
    ("escape in source", GOOD.replace('"s"', r'"s\u001b[31m"').encode(), "text_not_allowed", "/source"),
    ("delete raw", with_text(b'"a\x7fb"'), "text_not_allowed", "/data/description"),
    ("C1 control", with_text('"a\x85b"'.encode()), "text_not_allowed", "/data/description"),
    ("line separator", with_text('"a\u2028b"'.encode()), "text_not_allowed", "/data/description"),
    ("line separator escaped", with_text(rb'"a\u2028b"'), "text_not_allowed", "/data/description"),
    ("unknown escape", with_text(rb'"\x41"'), "json_invalid", ""),
    ("empty text", with_text(b'""'), "text_length", "/data/description"),
    ("text too long", with_text(b'"' + b"a" * 256 + b'"'), "text_length", "/data/description"),
    ("NaN", with_net("NaN"), "json_invalid", ""),
    ("Infinity", with_net("Infinity"), "json_invalid", ""),
    ("minus Infinity", with_net("-Infinity"), "json_invalid", ""),
    ("1.0", with_net("1.0"), "field_type_wrong", "/data/net"),
    ("12.5", with_net("12.5"), "field_type_wrong", "/data/net"),
    ("1e3", with_net("1e3"), "field_type_wrong", "/data/net"),
    ("-0.0", with_net("-0.0"), "field_type_wrong", "/data/net"),
    ('"1250"', with_net('"1250"'), "field_type_wrong", "/data/net"),
    ("true", with_net("true"), "field_type_wrong", "/data/net"),
    ("[5]", with_net("[5]"), "field_type_wrong", "/data/net"),
    ("{}", with_net("{}"), "field_type_wrong", "/data/net"),
    ("+5", with_net("+5"), "json_invalid", ""),
    ("05", with_net("05"), "json_invalid", ""),
    ("0x5", with_net("0x5"), "json_invalid", ""),
    ("-5", with_net("-5"), "number_out_of_range", "/data/net"),
    ("10^15 + 1", with_net(str(10**15 + 1)), "number_out_of_range", "/data/net"),
    ("2^63", with_net(str(2**63)), "number_out_of_range", "/data/net"),
    ("2^64", with_net(str(2**64)), "number_out_of_range", "/data/net"),
    ("5,000 digits", with_net("9" * 5000), "number_out_of_range", "/data/net"),
    ("a float of 5,000 digits", with_net("1." + "9" * 5000), "field_type_wrong", "/data/net"),
    ("1e999999999", with_net("1e999999999"), "number_out_of_range", "/data/net"),
    ("depth 100,000 in data", with_net("[" * 100_000 + "]" * 100_000), "json_too_deep", ""),
    ("depth 100,000 of objects", with_net('{"a":' * 100_000 + "1" + "}" * 100_000), "json_too_deep", ""),
    ("depth 100,000 unclosed", with_net("[" * 100_000), "json_too_deep", ""),
    ("depth 100,000 outside data", b"[" * 100_000, "field_type_wrong", ""),
    ("key twice", whole(f'{DATA},"net":5,"net":6'), "key_repeated", "/data/net"),
    ("key twice, the same value", whole(f'{DATA},"net":5,"net":5'), "key_repeated", "/data/net"),
    ("attribute twice", whole(f'{DATA},"net":5', '"id":"1","id":"2"'), "key_repeated", "/id"),
    ("data twice", whole(f'{DATA},"net":5').replace(b'"data"', b'"data":{},"data"'), "key_repeated", "/data"),
    ("key twice, nested", whole(f'{DATA},"net":5,"period":{{"from":"2026-01-01","to":"2026-01-02","to":"2026-01-03"}}'),
     "key_repeated", "/data/period/to"),
    ("key twice, white space before the colon", whole(f'{DATA},"net":5,"net"\n\t\r :6'), "key_repeated", "/data/net"),
    ("key twice, all with white space", GOOD.replace('"net":5', '"net" : 5 , "net" : 6').encode(), "key_repeated", "/data/net"),
    ("key twice, one escaped", whole(rf'{DATA},"net":5,"\u006eet":6'), "key_repeated", "/data/net"),
    ("key twice, hidden behind an escaped quote", whole(rf'{DATA},"net":5,"net":6,"description":"\u0022:"'),
     "key_repeated", "/data/net"),
    ("key twice, a colon in text", whole(f'{DATA},"net":5,"net":6,"description":":::"'), "key_repeated", "/data/net"),
    ("unknown field", whole(f'{DATA},"net":5,"tip":1'), "field_unknown", "/data/tip"),
    ("unknown field, nested", whole(f'{DATA},"net":5,"period":{{"from":"2026-01-01","to":"2026-01-02","x":1}}'),
     "field_unknown", "/data/period/x"),
    ("unknown attribute", whole(f'{DATA},"net":5', '"id":"1","colour":"red"'), "attribute_unknown", "/colour"),
    ("position is the log's", whole(f'{DATA},"net":5', '"id":"1","position":1'), "attribute_reserved", "/position"),
    ("principal is the log's", whole(f'{DATA},"net":5', '"id":"1","principal":"x"'), "attribute_reserved", "/principal"),
    ("recordedtime is the log's", whole(f'{DATA},"net":5', '"id":"1","recordedtime":"x"'), "attribute_reserved", "/recordedtime"),
    ("a key that is a path", whole(f'{DATA},"net":5,"a.b[0]":1'), "field_unknown", "/data/a.b[0]"),
    ("a key with strokes and tildes", whole(f'{DATA},"net":5,"a/~b":1'), "field_unknown", "/data/a~1~0b"),
    ("no id", f'{{{HEAD},"data":{{{DATA},"net":5}}}}'.encode(), "field_missing", "/id"),
    ("no data", f'{{{HEAD},"id":"1"}}'.encode(), "field_missing", "/data/charge"),
    ("data is null", f'{{{HEAD},"id":"1","data":null}}'.encode(), "field_type_wrong", "/data"),
    ("data is text", f'{{{HEAD},"id":"1","data":"{{}}"}}'.encode(), "field_type_wrong", "/data"),
    ("a field missing", whole('"charge":"c1","service":"m","net":5'), "field_missing", "/data/currency"),
    ("empty id", whole(f'{DATA},"net":5', '"id":""'), "text_length", "/id"),
    ("id too long", whole(f'{DATA},"net":5', f'"id":"{"1" * 256}"'), "text_length", "/id"),
    ("id a number", whole(f'{DATA},"net":5', '"id":1'), "field_type_wrong", "/id"),
    ("subject with a stroke", GOOD.replace("alice", "a/b").encode(), "text_not_allowed", "/subject"),
    ("subject with a line break at its end", GOOD.replace("alice", r"a\n").encode(), "text_not_allowed", "/subject"),
    ("subject beginning with a dot", GOOD.replace("alice", "..").encode(), "text_not_allowed", "/subject"),
    ("another type", GOOD.replace("charge.posted", "charge.eaten").encode(), "type_unknown", "/type"),
    ("an event's type", GOOD.replace("charge.posted", "invoice.issued").encode(), "type_unknown", "/type"),
    ("another specversion", GOOD.replace('"1.0"', '"0.3"').encode(), "specversion_unknown", "/specversion"),
    ("specversion a number", GOOD.replace('"1.0"', "1.0").encode(), "field_type_wrong", "/specversion"),
    ("data of another kind", whole(f'{DATA},"net":5', '"id":"1","datacontenttype":"text/xml"'),
     "datacontenttype_unknown", "/datacontenttype"),
    ("time without zone", with_time("2026-03-01T10:00:00"), "time_zone_missing", "/time"),
    ("time a date", with_time("2026-03-01"), "time_invalid", "/time"),
    ("time of the 30th of February", with_time("2026-02-30T10:00:00Z"), "time_invalid", "/time"),
    ("time of hour 24", with_time("2026-02-20T24:00:00Z"), "time_invalid", "/time"),
    ("a leap second", with_time("2016-12-31T23:59:60Z"), "time_invalid", "/time"),
    ("time a number", GOOD.replace('"2026-03-01T10:00:00Z"', "1").encode(), "field_type_wrong", "/time"),
    ("time of the year 1", with_time("0001-01-01T00:00:00+14:00"), "time_out_of_range", "/time"),
    ("time of the year 9999", with_time("9999-12-31T23:59:59-14:00"), "time_out_of_range", "/time"),
    ("a day that there is not", whole(f'{DATA},"net":5,"period":{{"from":"2026-02-30","to":"2026-03-01"}}'),
     "time_invalid", "/data/period/from"),
    ("expectedversion negative", whole(f'{DATA},"net":5', '"id":"1","expectedversion":-1'),
     "number_out_of_range", "/expectedversion"),
    ("expectedversion text", whole(f'{DATA},"net":5', '"id":"1","expectedversion":"1"'),
     "field_type_wrong", "/expectedversion"),
)  # fmt: skip
"""Name, body, and the code and pointer of its refusal."""


@pytest.mark.parametrize(
    ("raw", "code", "pointer"),
    [pytest.param(raw, code, pointer, id=name) for name, raw, code, pointer in HOSTILE],
)
def test_hostile_json_is_refused(raw: bytes, code: str, pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(raw)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)
    assert caught.value.detail


@pytest.mark.parametrize(
    ("raw", "is_"),
    [
        (GOOD.encode(), None),
        (GOOD.replace(":", " : ").replace(",", " ,\n\t").replace("10 : 00 : 00", "10:00:00").encode(), None),
        (with_text('"Gebühr für März, 日本語 \U0001f4b6"'.encode()), "Gebühr für März, 日本語 \U0001f4b6"),
        (with_text(rb'"\ud83d\udcb6 \u00fc \" \\ \/ :"'), '\U0001f4b6 ü " \\ / :'),
        (with_text(b'"\\"net\\":6"'), '"net":6'),
    ],
    ids=["plain", "white space everywhere", "other scripts", "escapes", "a key quoted in text"],
)
def test_what_only_looks_hostile_is_read(raw: bytes, is_: str | None) -> None:
    assert read(raw).data.description == is_  # type: ignore[attr-defined]


def test_times_are_instants() -> None:
    assert read(with_time("2026-03-01T12:00:00+02:00")).time == read(with_time("2026-03-01T10:00:00Z")).time
    assert read(with_time("2026-03-01T12:00:00+02:00")).time.isoformat() == "2026-03-01T10:00:00+00:00"


TEXTS = st.text(st.sampled_from(['"', "\\", ":", "a", " ", "ü", "{", ",", "\n", "\u2028"]), max_size=6)


@given(description=TEXTS, twice=st.booleans(), indent=st.sampled_from([None, 0, 1]), ascii_=st.booleans())
def test_a_repeated_key_is_found_whatever_stands_around_it(
    description: str, twice: bool, indent: int | None, ascii_: bool
) -> None:
    """The fast count and the exact reading agree with each other for any text."""
    document = json.loads(GOOD)
    document["data"]["description"] = description or "-"
    raw = json.dumps(document, indent=indent, ensure_ascii=ascii_)
    if twice:
        raw = raw.replace('"net":', '"net": 7, "net" :')
    try:
        message = read(raw.encode())
    except Malformed as malformed:
        expected = "key_repeated" if twice else "text_not_allowed"
        assert malformed.code == expected  # noqa: PT017 - most examples raise nothing
    else:
        assert not twice
        assert message.data.description == document["data"]["description"]  # type: ignore[attr-defined]


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_refused_with_a_code(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read(raw)
