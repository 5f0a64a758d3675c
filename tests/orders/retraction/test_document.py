"""
The receipt as PDF, taken apart with pikepdf.

These are checks of our own for what PDF/A-3b and PDF/UA-1 ask, named as such: they are no validator. Typst refuses by
itself to write what breaks the two standards; here the file is opened again and looked at from outside.
"""

import hashlib
import io
import json
import re
import tempfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pikepdf
import pytest
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from orders.models import Receipt, ReceiptDocument, Retraction
from orders.retraction import document, receipt
from orders.retraction.declaration import retract_order
from orders.retraction.facts import declaration_json, fingerprint
from orders.retraction.pdf import PdfFailed, typeset
from orders.retraction.pdf.glyphs import fonts, printable
from tests.factories import make_detail, make_nichandle, make_order

pytestmark = pytest.mark.django_db

EVERY_SCRIPT = "Zoë Ἄννα Мартен مارتن שלום 馬丁 🧾 สมชาย"


def declared(language: str = "en", name: str = "Martin", days_ago: int = 3, **fields: Any) -> Retraction:
    placed = timezone.now() - timedelta(days=days_ago)
    nichandle = make_nichandle(name=name, **fields)
    order = make_order(nichandle, date=placed, retraction_date=placed + timedelta(days=14))
    make_detail(order, description="VPS Comfort", extension={"duration": "P30D"})
    return retract_order(order, email="anna@example.com", language=language, request=None).retraction


def opened(retraction: Retraction) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(document.document_of(retraction).pdf))


def in_it(pdf: pikepdf.Pdf) -> dict[str, Any]:
    [attached] = pdf.attachments.values()
    told: dict[str, Any] = json.loads(attached.get_file().read_bytes())
    return told


def structure(node: Any) -> list[str]:
    """The kinds of elements, in reading order."""
    if isinstance(node, pikepdf.Array):
        return [kind for child in node for kind in structure(child)]  # type: ignore[attr-defined]
    if not isinstance(node, pikepdf.Dictionary):
        return []
    own = [str(node.S)] if "/S" in node and node.get("/Type", "/StructElem") == "/StructElem" else []
    return own + structure(node.get("/K", pikepdf.Array()))


@pytest.fixture(params=["en", "fr"])
def pdf(request: Any) -> pikepdf.Pdf:
    return opened(declared(request.param, name=EVERY_SCRIPT))


# --- PDF/A-3b, as far as pikepdf sees it ------------------------------------------------------------------------------
def test_pikepdf_check_it_says_what_it_is(pdf: pikepdf.Pdf):
    with pdf.open_metadata() as meta:
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"], meta["pdfuaid:part"]) == ("3", "B", "1")
        assert meta.pdfa_status == "3B"
        assert meta["dc:title"] in ("Receipt of your withdrawal", "Accusé de réception de votre rétractation")
    assert pdf.pdf_version == "1.7"
    assert not pdf.is_encrypted


def test_pikepdf_check_every_font_is_inside(pdf: pikepdf.Pdf):
    descriptors = [one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and "/FontName" in one]
    assert len(descriptors) >= 4, "Latin in two weights, Arabic, Hebrew"
    for descriptor in descriptors:
        assert {"/FontFile2", "/FontFile3"} & set(descriptor.keys()), descriptor.FontName
        assert "NotoSans" in str(descriptor.FontName)
    for font in (one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/Font"):
        if font.Subtype == "/Type0":
            assert "/ToUnicode" in font, "text that can be read back"


def test_pikepdf_check_colours_are_defined_by_an_output_intent(pdf: pikepdf.Pdf):
    [intent] = pdf.Root.OutputIntents  # type: ignore[misc]
    assert intent.S == "/GTS_PDFA1"
    assert len(intent.DestOutputProfile.read_bytes()) > 100


def test_pikepdf_check_nothing_in_it_acts(pdf: pikepdf.Pdf):
    acting = {"/JS", "/JavaScript", "/Launch", "/OpenAction", "/AA", "/XFA", "/RichMedia", "/SubmitForm", "/GoToR"}
    for one in pdf.objects:
        if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            assert not acting & set(one.keys())
            assert str(one.get("/S")) not in acting
    addresses = [str(one.A.URI) for page in pdf.pages for one in page.get("/Annots", [])]  # type: ignore[attr-defined]
    assert addresses == [f"http://localhost/receipts/{in_it(pdf)['reference']}/"]


def test_pikepdf_check_the_declaration_is_attached(pdf: pikepdf.Pdf):
    [(name, attached)] = pdf.attachments.items()
    retraction = Retraction.objects.get()
    octets = attached.get_file().read_bytes()
    assert (name, attached.obj.AFRelationship) == ("declaration.json", "/Source")
    assert attached.get_file().mime_type == "application/json"
    assert [one.UF for one in pdf.Root.AF] == ["declaration.json"]  # type: ignore[attr-defined]
    assert octets == declaration_json(retraction)
    assert hashlib.sha256(octets).hexdigest() == fingerprint(retraction)
    assert json.loads(octets)["name"] == f"Anna {EVERY_SCRIPT}", "as it was declared, whatever the fonts can show"


# --- PDF/UA-1, as far as pikepdf sees it ------------------------------------------------------------------------------
def test_pikepdf_check_it_is_tagged_in_its_language(pdf: pikepdf.Pdf):
    retraction = Retraction.objects.get()
    assert pdf.Root.MarkInfo.Marked
    assert str(pdf.Root.Lang) == retraction.language
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert all(page.get("/Tabs") == "/S" for page in pdf.pages)
    kinds = structure(pdf.Root.StructTreeRoot.K)
    assert kinds[:3] == ["/Document", "/Title", "/P"]
    assert kinds.count("/H1") == 5
    assert kinds.count("/L") == 3
    assert kinds.count("/LBody") == kinds.count("/Lbl") == kinds.count("/LI") >= 10
    assert kinds.count("/Link") == 1


def test_pikepdf_check_everything_drawn_is_tagged_or_an_artifact(pdf: pikepdf.Pdf):
    drawn = 0
    for page in pdf.pages:
        depth = 0
        for instruction in pikepdf.parse_content_stream(page):
            operator = str(instruction.operator)
            depth += {"BDC": 1, "BMC": 1, "EMC": -1}.get(operator, 0)
            if operator in ("Tj", "TJ", "f", "S", "Do"):
                drawn += 1
                assert depth > 0, f"{operator} outside of any tag"
    assert drawn > 20


# --- What is in it ----------------------------------------------------------------------------------------------------
def words_of(retraction: Retraction) -> str:
    return json.dumps(document.contents(retraction), ensure_ascii=False)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_it_holds_content_moment_zone_reference_and_fingerprint(language: str):
    retraction = declared(language)
    told = words_of(retraction)
    for fact in (
        retraction.statement,
        retraction.reference,
        fingerprint(retraction),
        str(retraction.order_number),
        "VPS Comfort",
        "Paris",
        "UTC+0",
        f"/receipts/{retraction.reference}/",
    ):
        assert json.dumps(fact, ensure_ascii=False)[1:-1] in told


# At every hour it is another day than in Paris in one of the two.
@pytest.mark.parametrize("moved_to", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_moved_account_changes_no_receipt(moved_to: str):
    retraction = declared()
    before = words_of(retraction)
    retraction.order.nichandle.time_zone = moved_to
    retraction.order.nichandle.save()
    assert words_of(Retraction.objects.get()) == before


def test_a_late_one_says_that_a_person_looks_at_it():
    assert "a person looks at it" in words_of(declared(days_ago=40))


def test_what_no_font_has_is_spelled():
    assert printable("Анна 馬 🧾 é \u202e \0") == "Анна U+99AC U+1F9FE é U+202E U+0000"
    assert printable("א\u0301") == "אU+0301", "a mark that the letter's own font lacks"
    assert printable("e\u0301") == "e\u0301"
    assert printable("نمی\u200cخواهم") == "نمی\u200cخواهم", "a joiner decides how the letters look"


def test_every_glyph_that_is_said_to_be_there_is_there():
    everything = "".join(
        chr(code) for font in fonts().values() for code in font if printable(chr(code)) == chr(code) != "\n"
    )
    assert len(everything) > 3000
    lines = [everything[start : start + 80] for start in range(0, len(everything), 80)]
    typeset(any_words(parts=lines, statement=EVERY_SCRIPT), datetime(2026, 11, 21, tzinfo=UTC))


def any_words(**changes: Any) -> dict[str, Any]:
    texts = "title author description footer lead statement statement_heading parts_heading working_heading".split()
    texts += "next_heading verify_heading verify_url note attachment declaration".split()
    lists: dict[str, Any] = {"facts": [("a", "b")], "parts": [], "working": [], "next": [], "verify": []}
    return dict.fromkeys(texts, "x") | lists | {"language": "en", "region": None} | changes


@pytest.mark.parametrize(
    "text",
    [
        '#read("/etc/passwd")',
        '#import "@preview/x:0.1.0": *',
        "#eval(sys.inputs.data)",
        '"]) #panic("x") #([',
        "$ integral $ *b* _i_ `r` <l> @l // c /* c */ \\ #link(1)",
    ],
)
def test_words_are_never_source(text: str):
    data = any_words(statement=text, parts=[text], facts=[(text, text)])
    read = pikepdf.open(io.BytesIO(typeset(data, datetime(2026, 11, 21, tzinfo=UTC))))
    assert len(read.pages) == 1


def test_the_same_words_make_the_same_octets():
    moment = datetime(2026, 11, 21, 8, 30, 12, 345678, tzinfo=UTC)
    assert typeset(any_words(), moment) == typeset(any_words(), moment)


def test_it_is_made_once_and_kept():
    retraction = declared()
    first = document.document_of(retraction)
    assert document.document_of(retraction).pk == first.pk
    assert first.digest == hashlib.sha256(first.pdf).hexdigest()
    assert len(first.pdf) < 120_000
    for change in (lambda: ReceiptDocument.objects.update(pdf=b"x"), lambda: first.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_long_names_of_products_end():
    retraction = declared()
    part = retraction.snapshot["estimate"]["details"][0]
    part["description"] = "long " * 3000
    retraction.snapshot["estimate"]["details"] = [part] * 30
    assert len(typeset(document.contents(retraction), retraction.declared_at)) < 200_000


# --- On its way -------------------------------------------------------------------------------------------------------
@pytest.fixture
def mails(sandbox: Any, settings: Any) -> Any:
    host, _, port = sandbox.smtp.rpartition(":")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = host, int(port)
    return sandbox


@pytest.fixture
def disk_is_full(monkeypatch: Any) -> Any:
    """The engine cannot work: there is no directory for it to begin in. Call it to mend the disk."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    return lambda: monkeypatch.setattr(tempfile, "tempdir", None)


def test_the_mail_carries_it(mails):
    retraction = declared()
    receipt.send_due()
    [mail] = mails.mail()
    [attached] = mail["attachments"]
    assert attached["name"] == f"withdrawal-{retraction.reference}.pdf"
    assert attached["type"] == "application/pdf"
    assert mails.attachment(mail) == bytes(retraction.document.pdf)
    assert "is attached" in mail["text"]
    assert Receipt.objects.get().has_document


def test_without_the_engine_the_mail_goes_at_once_and_the_document_follows(mails, disk_is_full):
    retraction = declared()
    assert receipt.send_due() == 1
    [mail] = mails.mail()
    assert mail["attachments"] == []
    assert retraction.statement in mail["text"]
    assert "follows in another message" in mail["text"]
    row = Receipt.objects.get()
    assert row.sent_at
    assert not row.has_document
    assert "/nowhere" in row.last_error
    assert row.next_attempt_at > timezone.now()

    Receipt.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(days=1))
    assert receipt.send_due() == 0, "the words went already; only the document is still owed"
    assert len(mails.mail()) == 1

    disk_is_full()
    Receipt.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(days=1))
    assert receipt.send_due() == 1
    first, second = mails.mail()
    assert second["subject"].endswith("as PDF")
    assert mails.attachment(second).startswith(b"%PDF-1.7")
    row.refresh_from_db()
    assert (row.has_document, row.last_error, row.next_attempt_at) == (True, "", None)


def public() -> Retraction:
    return Retraction.objects.create(
        channel=Retraction.Channel.PUBLIC,
        order_typed="n° 12 ?",
        name="Eve\r\nBcc: x@example.net",
        email="eve@example.net",
        statement="I, Eve, withdraw from order n° 12 ?.",
        statement_version="test",
        language="en",
        snapshot={"zone": "Europe/Paris"},
    )


def test_one_made_without_signing_in_says_only_what_was_typed(mails):
    retraction = public()
    Receipt.objects.create(retraction=retraction, address="eve@example.net")
    assert receipt.send_due() == 1
    [mail] = mails.mail()
    assert mail["to"] == ["eve@example.net"]
    assert mail["subject"] == "Receipt of your withdrawal"
    assert "Order, as you gave it: n° 12 ?" in mail["text"]
    assert "None" not in mail["text"]
    assert "()" not in mail["text"]
    assert "/orders/" not in mail["text"]
    assert in_it(opened(retraction))["order_typed"] == "n° 12 ?"
    assert "None" not in words_of(retraction)


def test_the_account_is_told_of_it_without_a_word_that_was_typed(mails):
    order = make_order(make_nichandle(language="fr_FR"))
    Receipt.objects.create(retraction=public(), kind=Receipt.Kind.NOTICE, order=order, address=order.nichandle.email)
    assert receipt.send_due() == 1
    [mail] = mails.mail()
    assert str(order.order_id) in mail["subject"]
    assert "Eve" not in mail["text"]
    assert "n° 12" not in mail["text"]
    assert mail["attachments"] == []
    assert Receipt.objects.get().next_attempt_at is None


def test_a_document_that_cannot_be_made_says_why(disk_is_full):
    with pytest.raises(PdfFailed, match="FileNotFoundError"):
        document.document_of(declared())
    assert not ReceiptDocument.objects.exists()


# --- The owner's page -------------------------------------------------------------------------------------------------
def own(customer: Any, **fields: Any) -> Retraction:
    placed = timezone.now() - timedelta(days=3)
    order = make_order(customer.nichandle, date=placed, retraction_date=placed + timedelta(days=14), **fields)
    return retract_order(order, email="anna@example.com", language="en", request=None).retraction


def path(retraction: Retraction) -> str:
    return f"/orders/{retraction.order_number}/withdrawal/{retraction.reference}.pdf"


def test_the_owner_opens_it_from_the_page_of_the_withdrawal(customer, customer_client):
    retraction = own(customer)
    page = customer_client.get(f"/orders/{retraction.order_number}/withdrawal/").content.decode()
    [link] = re.findall(r'href="([^"]+\.pdf)"', page)
    assert link == path(retraction)
    answer = customer_client.get(link)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.content == bytes(ReceiptDocument.objects.get().pdf)


def test_a_reference_of_another_order_or_of_nobody_is_unknown(customer, customer_client):
    mine, other, theirs = own(customer), own(customer), declared()
    for wrong in (
        f"/orders/{mine.order_number}/withdrawal/{other.reference}.pdf",
        f"/orders/{mine.order_number}/withdrawal/{theirs.reference}.pdf",
        f"/orders/{mine.order_number}/withdrawal/W-AAAAAAAAA-AAAAAAAAA-AAAAAAAAA.pdf",
        f"/orders/{mine.order_number}/withdrawal/%00.pdf",
        path(theirs),
    ):
        assert customer_client.get(wrong).status_code == 404
    assert not ReceiptDocument.objects.exists()


def test_while_the_engine_is_down_the_page_says_that_the_declaration_stands(customer, customer_client, disk_is_full):
    answer = customer_client.get(path(own(customer)))
    assert answer.status_code == 503
    assert "Your declaration stands" in answer.content.decode()


def test_the_fonts_come_with_their_licence():
    from orders.retraction.pdf.glyphs import FONTS

    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text()
    assert sum(font.stat().st_size for font in FONTS.glob("*.ttf")) < 3_000_000
