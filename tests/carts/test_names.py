"""Names as people paste them, and back as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carts import names

EXTENSIONS = ["com", "fr", "co.uk"]


def read(text):
    return names.read(text, EXTENSIONS)


def test_a_name_with_an_extension_comes_first_and_then_in_each_extension():
    assert read("Example.fr").names == ["example.fr", "example.com", "example.co.uk"]


def test_a_name_without_one_is_looked_up_in_each_extension():
    assert read("example").names == ["example.com", "example.fr", "example.co.uk"]


def test_several_are_read_from_lines_spaces_commas_and_semicolons_once_each():
    search = names.read("one.fr, two.com;three.net\n four.org one.fr", [])
    assert search.names == ["one.fr", "two.com", "three.net", "four.org"]
    assert search.refused == []


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("https://www.example.fr/page?q=1#part", "example.fr"),
        ("http://somebody@example.fr:8080/", "example.fr"),
        ("anna@example.fr", "example.fr"),
        ("www.fr", "www.fr"),
        ("EXAMPLE.FR.", "example.fr"),
        ("café.fr", "xn--caf-dma.fr"),
        ("xn--caf-dma.fr", "xn--caf-dma.fr"),
        ("例え。jp", "xn--r8jz45g.jp"),
        ("straße.de", "xn--strae-oqa.de"),
    ],
)
def test_what_stands_around_a_name_is_left_out(typed, name):
    assert names.read(typed, []).names == [name]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("exa_mple.fr", "letters, digits and hyphens; this is none: _"),
        ("my!name", "this is none: !"),
        ("-example.fr", "hyphen"),
        ("example-.fr", "hyphen"),
        ("a..fr", "Two dots"),
        ("a" * 64 + ".fr", "at most 63"),
        ("ab--cd.fr", "other scripts"),
        ("xn--zzzzzz99999.fr", "none"),
        ("é" * 62 + ".fr", "longer than 63"),
        ("192.168.1.1", "numbers"),
        ("\N{ZERO WIDTH SPACE}", "none"),
        ("😀.fr", "this is none: 😀"),
        (".".join(["a" * 60] * 5), "at most 253"),
    ],
)
def test_what_is_no_name_is_explained_and_the_others_go_on(typed, why):
    search = names.read(f"{typed} good.fr", [])
    assert search.names == ["good.fr"]
    assert [one.typed for one in search.refused] == [typed[:80]]
    assert why in search.refused[0].why or "no name in any script" in search.refused[0].why


def test_too_many_at_once_are_counted_not_dropped_silently():
    search = names.read(" ".join(f"name{number}" for number in range(30)), EXTENSIONS)
    assert len(search.names) == names.AT_MOST
    assert search.left_out == 90 - names.AT_MOST


def test_a_name_is_shown_in_its_own_script():
    assert names.shown("xn--caf-dma.fr") == "café.fr"
    assert names.shown("example.fr") == "example.fr"
    assert names.shown("xn--zzzzzz99999.fr") == "xn--zzzzzz99999.fr"


@given(st.text(max_size=80))
def test_whatever_is_pasted_is_a_name_or_explained(text):
    search = names.read(text, ["fr"])
    for name in search.names:
        assert name.isascii()
        assert name == name.lower()
        assert names.encode(name) == name
        assert names.encode(names.shown(name)) == name
    for refused in search.refused:
        assert refused.why
