"""Domain names as people paste them: many at once, with addresses around them, in their own script."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import idna
from django.utils.translation import gettext as _

# Calls to OVHcloud for one search: each name in each extension is one.
AT_MOST = 60
_SEPARATORS = re.compile(r"[\s,;|]+")
# What stands around a name in an address: scheme, somebody's name, port, path.
_AROUND = (re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.I), re.compile(r"[/?#].*$", re.S), re.compile(r":\d*$"))
# Full stops of other scripts, which IDNA reads as dots.
_DOTS = re.compile("[\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH FULL STOP}\N{HALFWIDTH IDEOGRAPHIC FULL STOP}]")


@dataclass(frozen=True)
class Refused:
    """Something pasted that is no name. why: a sentence for the reader."""

    typed: str
    why: str


@dataclass
class Search:
    """
    What a search asks for.

    names: in ASCII, in the order to show; those typed whole first. left_out: how many more would have been too many.
    """

    names: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    left_out: int = 0


def read(text: str, extensions: Sequence[str]) -> Search:
    """Names in what was typed: a name with its extension as it is, and each one's first label in each extension."""
    search = Search()
    whole: list[str] = []
    labels: list[str] = []
    for typed in dict.fromkeys(part for part in _SEPARATORS.split(text) if part):
        try:
            name = encode(_bare(typed))
        except ValueError as problem:
            search.refused.append(Refused(typed[:80], str(problem)))
            continue
        if "." in name:
            whole.append(name)
        labels.append(name.partition(".")[0])
    combined = [f"{label}.{extension}" for label in dict.fromkeys(labels) for extension in extensions]
    names = list(dict.fromkeys([*whole, *combined]))
    search.names, search.left_out = names[:AT_MOST], max(0, len(names) - AT_MOST)
    return search


def _bare(typed: str) -> str:
    for around in _AROUND:
        typed = around.sub("", typed)
    name = _DOTS.sub(".", typed)
    if "@" in name:
        # An e-mail address: the name is what stands after the sign.
        name = name.rpartition("@")[2]
    name = name.strip(".\"'“”«»()<>").lower()
    return name[4:] if name.startswith("www.") and name.count(".") > 1 else name


def encode(name: str) -> str:
    """
    The name as registries have it, in lower case: example.fr, xn--caf-dma.fr.

    Raises:
        ValueError: with a sentence that says what is wrong.
    """
    if not name:
        raise ValueError(_("There is no name in it."))
    encoded = ".".join(_label(label) for label in name.split("."))
    if len(encoded) > 253:
        raise ValueError(_("A name has at most 253 characters."))
    if encoded.rpartition(".")[2].isdigit():
        raise ValueError(_("This looks like an address of numbers, not like a name."))
    return encoded


def _label(label: str) -> str:
    if not label:
        raise ValueError(_("Two dots follow each other, or nothing stands before a dot."))
    if label.startswith("-") or label.endswith("-"):
        raise ValueError(_("A name neither begins nor ends with a hyphen."))
    if len(label) > 63:
        raise ValueError(_("The part between two dots has at most 63 characters."))
    if label.isascii() and not label.startswith("xn--"):
        wrong = sorted({one for one in label if not (one.isalnum() or one == "-")})
        if wrong:
            raise ValueError(_not_allowed(wrong))
        if label[2:4] == "--":
            raise ValueError(_("Hyphens in third and fourth place are kept for names in other scripts."))
        return label
    return _international(label)


def _international(label: str) -> str:
    try:
        if label.startswith("xn--"):
            # Both ways, so that what is no name in any script is not asked for.
            label = idna.decode(label)
        encoded = idna.encode(label, uts46=True, std3_rules=True).decode()
    except UnicodeError as problem:
        wrong = _unfit(label)
        raise ValueError(_not_allowed(wrong) if wrong else _("This is no name in any script.")) from problem
    if len(encoded) > 63:
        raise ValueError(_("Written for the registry, the part between two dots is longer than 63 characters."))
    return encoded


def _unfit(label: str) -> list[str]:
    """The characters that no name may have, of a label that is refused."""
    found = []
    for one in sorted(set(label) - {"-"}):
        try:
            idna.encode(one, uts46=True, std3_rules=True)
        except UnicodeError:
            found.append(one)
    return found


def _not_allowed(characters: Sequence[str]) -> str:
    shown = " ".join(characters[:5])
    return _("A name has letters, digits and hyphens; this is none: %(characters)s") % {"characters": shown}


def shown(name: str) -> str:
    """The name as people read it: café.fr. What cannot be shown in its script stays as registries have it."""
    try:
        return idna.decode(name)
    except UnicodeError:
        return name
