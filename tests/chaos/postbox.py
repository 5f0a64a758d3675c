"""Where the panel's mails end during a run: beside everything that is killed, so that no mail is forgotten."""

import email.policy
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

_REFERENCE = re.compile(r"W(?:-[2-9A-HJ-NP-Z]{9}){3}")


@dataclass(frozen=True)
class Mail:
    """to: one recipient, lower case. reference: the declaration's that it speaks of, or empty."""

    message_id: str
    to: str
    reference: str
    text: str


class Postbox:
    """An SMTP server in a thread that takes every mail and keeps it."""

    def __init__(self, port: int) -> None:
        self.mails: list[Mail] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=port)
        self._controller.start()

    def close(self) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=email.policy.default)
        text = _text(message)
        found = _REFERENCE.search(text)
        for to in envelope.rcpt_tos:
            self.mails.append(Mail(str(message["Message-ID"]), to.lower(), found[0] if found else "", text))
        return "250 Message accepted for delivery"


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return "" if body is None else str(body.get_content())
