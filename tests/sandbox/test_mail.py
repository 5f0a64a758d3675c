"""The mail sink: what the panel sends by SMTP is listed, oldest first, with its attachments."""

import smtplib
from email.message import EmailMessage

import pytest

from tests.sandboxes import Sandbox


def _send(sandbox: Sandbox, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "panel@example.net", "anna@example.com", subject
    message.set_content("Reçu : <b>bonjour</b>")
    message.add_attachment(b"%PDF-1.7 ...", maintype="application", subtype="pdf", filename="receipt.pdf")
    host, _, port = sandbox.smtp.partition(":")
    with smtplib.SMTP(host, int(port), timeout=5) as smtp:
        smtp.send_message(message)


def test_mails_are_listed_and_attachments_handed_out(sandbox: Sandbox) -> None:
    _send(sandbox, "Premier é")
    _send(sandbox, "Second")
    mails = sandbox.mail()
    assert [mail["subject"] for mail in mails] == ["Premier é", "Second"]
    assert mails[0]["to"] == ["anna@example.com"]
    assert mails[0]["text"].strip() == "Reçu : <b>bonjour</b>"
    assert {"name": "receipt.pdf", "type": "application/pdf"}.items() <= mails[0]["attachments"][0].items()
    assert sandbox.attachment(mails[0]) == b"%PDF-1.7 ..."
    page = sandbox._session.get(f"{sandbox.base}/mail/", timeout=5).text
    assert "&lt;b&gt;bonjour" in page
    assert "receipt.pdf" in page


def test_smtp_can_refuse(sandbox: Sandbox) -> None:
    sandbox.refuse_mail()
    with pytest.raises(smtplib.SMTPDataError):
        _send(sandbox, "Lost")
    sandbox.refuse_mail(False)
    _send(sandbox, "Kept")
    assert [mail["subject"] for mail in sandbox.mail()] == ["Kept"]
