"""
Catalogues: complete, current and well written. gettext's tools are on few machines, so Babel reads the sources here.

After a change of words: `manage.py makemessages`, translate, then compile with polib as COMPILE says.
"""

import gettext
import io
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[2]
PACKAGES = ("panel", "gateway", "accounts", "orders", "carts", "support", "embedded")
KEYWORDS = DEFAULT_KEYWORDS | {f"{name}_lazy": spec for name, spec in DEFAULT_KEYWORDS.items() if name != "_"}
COMPILE = 'python -c \'import polib; polib.pofile("{0}").save_as_mofile("{0}"[:-2] + "mo")\''
CATALOGUES = sorted(ROOT.glob("locale/*/LC_MESSAGES/django.po"))
Key = tuple[str | None, str, str]

per_catalogue = pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])


# --- What the sources say ---------------------------------------------------------------------------------------------
def keys_in_python(source: str) -> Iterator[Key]:
    """Context, singular and plural of each message that is marked in Python."""
    for _line, message, _comments, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
        singular, plural = (message[0], message[1]) if isinstance(message, tuple) else (message, "")
        yield context, singular, plural or ""


def keys_in_template(source: str, name: str = "") -> Iterator[Key]:
    """Django turns a template into something like Python, whose indentation means nothing."""
    lines = templatize(source, origin=name).splitlines()
    return keys_in_python("\n".join(line.strip() for line in lines))


def keys_in_sources() -> dict[Key, str]:
    """Each message, and a file that has it."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            found |= dict.fromkeys(keys_in_python(path.read_text()), str(path.relative_to(ROOT)))
    for path in templates():
        found |= dict.fromkeys(keys_in_template(path.read_text(), path.name), str(path.relative_to(ROOT)))
    return found


def templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())


def test_every_way_of_marking_a_message_is_read():
    python = """_("a")
gettext_lazy("b" " c")
ngettext("d", "ds", 2)
pgettext_lazy("in", "e")
npgettext("in", "f", "fs", 2)"""
    assert list(keys_in_python(python)) == [
        (None, "a", ""),
        (None, "b c", ""),
        (None, "d", "ds"),
        ("in", "e", ""),
        ("in", "f", "fs"),
    ]
    template = """{# no #}<b title="{% translate 'a' %}">{{ x|default:_("b") }}</b>
        {% translate "c" context "in" as word %}{% translate "100% d" %}
      {% blocktranslate trimmed count n=n %}
        {{ n }} e
      {% plural %}{{ n }} es{% endblocktranslate %}"""
    assert list(keys_in_template(template)) == [
        (None, "a", ""),
        (None, "b", ""),
        ("in", "c", ""),
        (None, "100%% d", ""),
        (None, "%(n)s e", "%(n)s es"),
    ]


# --- The catalogues ---------------------------------------------------------------------------------------------------
def entries(path: Path) -> list[polib.POEntry]:
    return [entry for entry in polib.pofile(str(path)) if not entry.obsolete]


def key(entry: polib.POEntry | polib.MOEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural or ""


def said(entry: polib.POEntry | polib.MOEntry) -> list[str]:
    return [entry.msgstr_plural[form] for form in sorted(entry.msgstr_plural)] or [entry.msgstr]


def test_every_language_of_the_switch_has_a_catalogue():
    assert {path.parts[-3] for path in CATALOGUES} == {code for code, _name in settings.LANGUAGES} - {"en"}


@per_catalogue
def test_every_message_is_translated(path):
    known = {key(entry) for entry in entries(path)}
    missing = {message: where for message, where in keys_in_sources().items() if message not in known}
    assert not missing, f"run manage.py makemessages and translate: {missing}"
    assert not [entry.msgid for entry in entries(path) if not all(said(entry))]
    assert not [entry.msgid for entry in entries(path) if entry.fuzzy]


@per_catalogue
def test_what_is_compiled_is_what_is_written(path):
    compiled = {key(entry): said(entry) for entry in polib.mofile(str(path.with_suffix(".mo")))}
    assert compiled == {key(entry): said(entry) for entry in entries(path)}, COMPILE.format(path)


@per_catalogue
def test_every_plural_has_its_forms(path):
    with path.with_suffix(".mo").open("rb") as file:
        plural = gettext.GNUTranslations(file).plural
    forms = {plural(number) for number in range(1000)}
    assert not [entry.msgid for entry in entries(path) if entry.msgid_plural and set(entry.msgstr_plural) != forms]


PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}")
TAG = re.compile(r"<[^>]+>")


def gaps(text: str) -> list[str]:
    """What a sentence has filled in, and its tags."""
    return sorted(PLACEHOLDER.findall(text) + TAG.findall(text))


@per_catalogue
def test_placeholders_and_tags_agree(path):
    wrong = [
        (entry.msgid, text)
        for entry in entries(path)
        for text in said(entry)
        if gaps(text) not in (gaps(entry.msgid), gaps(entry.msgid_plural or entry.msgid))
    ]
    assert not wrong


# --- French as it is written ------------------------------------------------------------------------------------------
FRENCH = ROOT / "locale/fr/LC_MESSAGES/django.po"
NOT_PROSE = re.compile(r"<[^>]+>|https?://\S+|\d{1,2}(:\d{2})+|%\(\w+\)[a-z]")


def slips(text: str) -> list[str]:
    """Where French punctuation is not as it should be, each with a few characters before it."""
    prose = NOT_PROSE.sub("x", text)
    return [
        *re.findall(r".{0,12}(?:^|[^\u00a0])[:;?!»]", prose),
        *re.findall(r".{0,12}[ \u00a0]\u00a0", prose),
        *re.findall(r"«(?!\u00a0).{0,12}", prose),
        *re.findall(r".{0,12}['\"“”\u202f]", prose),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Qui ?",
        "Qui?",
        "Voici : rien",
        "a; b",
        "« mot »",
        "«\u00a0mot »",
        "l'heure",
        "x \u00a0: y",
        "“mot”",
        "x\u202f: y",
    ],
)
def test_slips_are_seen(text):
    assert slips(text)


@pytest.mark.parametrize(
    "text",
    [
        "Qui\u00a0?",
        "«\u00a0mot\u00a0»",
        "à 23:59:59, fin",
        "https://a.example/?b:c",
        '<a href="x">mot</a>\u00a0; l’heure',
    ],
)
def test_good_french_passes(text):
    assert not slips(text)


def test_french_punctuation():
    wrong = [(text, slips(text)) for entry in entries(FRENCH) for text in said(entry) if slips(text)]
    assert not wrong


def test_french_leaves_no_english_behind():
    """A sentence that reads the same in both languages was not translated; single words and towns may be the same."""
    town = re.compile(r"\w+, (France|Canada) \([A-Z]{3}\)")
    same = [entry.msgid for entry in entries(FRENCH) if entry.msgid in said(entry) and not town.fullmatch(entry.msgid)]
    assert not [text for text in same if len(re.findall(r"[a-z]{3,}", PLACEHOLDER.sub("", text))) > 1]


@pytest.mark.parametrize(
    ("english", "french"),
    [
        # Names that customers know from OVHcloud's guides, and that tools look for: the contract of the pages.
        ("Sign in with OVHcloud", "Se connecter avec OVHcloud"),
        ("Continue at OVHcloud", "Continuer chez OVHcloud"),
        ("Continue", "Continuer"),
        ("Dashboard", "Tableau de bord"),
        ("My orders", "Mes commandes"),
        ("View my orders", "Voir mes commandes"),
        ("Check now", "Vérifier maintenant"),
        ("Contracts", "Contrats"),
        ("Withdraw from a contract", "Se rétracter"),
        ("Date", "Date"),
        ("Order number", "Numéro de commande"),
        ("Status", "État"),
        ("Amount incl. VAT", "Montant TTC"),
        ("View order in HTML format", "Voir la commande au format HTML"),
        ("Order tracking", "Suivi de commande"),
        ("Pay", "Payer"),
        ("Cancel the order — withdraw from contract here", "Annuler la commande — renoncer au contrat ici"),
        ("Yes, I want to cancel this order", "Oui, je désire annuler cette commande"),
        ("Confirm withdrawal", "Confirmer la rétractation"),
        ("Purchase order", "Bon de commande"),
        ("Billing details", "Coordonnées de facturation"),
        ("Unpaid", "Paiement non reçu"),
        ("Confirmation", "Validation"),
        ("Awaiting documents", "En attente de documents"),
        ("Being processed", "Livraison en cours"),
        ("Complete", "Finalisée"),
        ("Cancelling", "Annulation en cours"),
        ("status of an order|Cancelled", "Annulée"),
        ("status of an order|Unknown", "Inconnu"),
        ("status of an order|Expired", "Expirée"),
        ("Order received", "Commande prise en compte"),
        ("Order confirmed", "Commande validée"),
        ("Being delivered", "Livraison en cours"),
        ("step of an order|Available", "Disponible"),
    ],
)
def test_words_of_the_guides(english, french):
    context, _bar, word = english.rpartition("|")
    with translation.override("fr"):
        assert (translation.pgettext(context, word) if context else translation.gettext(word)) == french


# --- Nothing is said unmarked -----------------------------------------------------------------------------------------
MARKED = re.compile(
    r"\{#.*?#\}|\{% blocktranslate.*?%\}.*?\{% endblocktranslate %\}|\{% translate.*?%\}|\{%.*?%\}|\{\{.*?\}\}",
    re.DOTALL,
)
SPOKEN = re.compile(r"""\b(?:alt|aria-label|placeholder|title)=(?:"([^"]*)"|'([^']*)')""")
# A header's name, and a company's in the form of the law.
SAME_EVERYWHERE = re.compile(r"X-Ovh-QueryID|OVH SAS, 2 rue Kellermann, 59100 Roubaix, France|SHA-256")


def unmarked(source: str) -> list[str]:
    """Words and punctuation of a template that a person reads or hears and that no marking covers."""
    text = SAME_EVERYWHERE.sub("", MARKED.sub("", source))
    spoken = [first or second for first, second in SPOKEN.findall(text)]
    shown = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>|&\w+;", " ", text, flags=re.DOTALL)
    # French has a space before these signs, so they belong to a message.
    return re.findall(r"[^\W\d_]{2,}|[:;?!](?=\s|$)", " ".join([shown, *spoken]))


def test_what_is_unmarked_is_seen():
    template = '<p>{% translate "a" %}: <b class="x">Oops</b></p><i aria-label="here">{{ y }}</i>'
    assert unmarked(template) == [":", "Oops", "here"]


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_say_nothing_unmarked(path):
    assert not unmarked(path.read_text())
