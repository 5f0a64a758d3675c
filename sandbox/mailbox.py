"""Where the panel's mails end: an SMTP server that keeps them for reading."""

import email.policy
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

_KEPT = 2_000


@dataclass(frozen=True)
class Attachment:
    name: str
    type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    id: int
    to: list[str]
    sender: str
    subject: str
    date: str
    text: str
    html: str
    attachments: list[Attachment] = field(default_factory=list)

    def as_answer(self) -> dict[str, Any]:
        return {
            "to": self.to,
            "from": self.sender,
            "subject": self.subject,
            "date": self.date,
            "text": self.text,
            "attachments": [
                {"name": one.name, "type": one.type, "url": f"{self.id}/{at}/"}
                for at, one in enumerate(self.attachments)
            ],
        }


class Mailbox:
    """Mails in the order they came. Filled by the event loop, read by views."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mails: list[Mail] = []
        self._last = 0
        # What SMTP says to every mail instead of taking it, such as "451 Try again later".
        self.refusal: str | None = None

    def all(self) -> list[Mail]:
        with self._lock:
            return list(self._mails)

    def find(self, mail_id: int) -> Mail | None:
        return next((mail for mail in self.all() if mail.id == mail_id), None)

    def clear(self) -> None:
        with self._lock:
            self._mails.clear()

    def add(self, to: list[str], content: bytes) -> None:
        message = message_from_bytes(content, policy=email.policy.default)
        with self._lock:
            self._last += 1
            self._mails.append(_read(self._last, to, message))
            del self._mails[:-_KEPT]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refusal is not None:
            return self.refusal
        content = envelope.content or b""
        self.add(list(envelope.rcpt_tos), content.encode() if isinstance(content, str) else content)
        return "250 Message accepted for delivery"


def _read(mail_id: int, to: list[str], message: EmailMessage) -> Mail:
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    return Mail(
        id=mail_id,
        to=to,
        sender=str(message["From"] or ""),
        subject=str(message["Subject"] or ""),
        date=str(message["Date"] or ""),
        text=_text(plain),
        html=_text(html),
        attachments=[
            Attachment(
                one.get_filename() or "attachment",
                one.get_content_type(),
                _bytes(one),
            )
            for one in message.iter_attachments()
        ],
    )


def _text(part: Any) -> str:
    return "" if part is None else str(part.get_content())


def _bytes(part: Any) -> bytes:
    decoded = part.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else part.as_bytes()


MAILBOX = Mailbox()
