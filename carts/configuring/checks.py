"""What a value must look like before it is worth sending. OVHcloud stores anything and judges at the dry run."""

import json
import re

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

FEWEST_SERVERS, MOST_SERVERS = 2, 13
LONGEST_VALUE = 10_000

_BETWEEN = re.compile(r"[\s;,]+")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,63}")


def name_servers(text: str) -> str:
    """
    Return servers as OVHcloud wants them, joined by `;`, each once; "" for none.

    Raises:
        ValidationError: names each that is no host name, or says how many there must be.
    """
    given = list(dict.fromkeys(host for host in _BETWEEN.split(text.strip()) if host))
    hosts, wrong = [], []
    for one in given:
        host = ascii_host(one)
        if host is None:
            wrong.append(one[:80])
        elif host not in hosts:
            hosts.append(host)
    if wrong:
        raise ValidationError(
            ngettext("This is no host name: %(names)s.", "These are no host names: %(names)s.", len(wrong))
            % {"names": ", ".join(wrong[:5])}
        )
    if hosts and not FEWEST_SERVERS <= len(hosts) <= MOST_SERVERS:
        raise ValidationError(
            _("Name from %(fewest)d to %(most)d servers; there are %(n)d.")
            % {"fewest": FEWEST_SERVERS, "most": MOST_SERVERS, "n": len(hosts)}
        )
    return ";".join(hosts)


def ascii_host(text: str) -> str | None:
    """A host name in ASCII and lower case, of two labels at least; None when it is none."""
    host = text.strip().rstrip(".").lower()
    try:
        host = idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:
        return None
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    # An address is no name, and a top-level domain is not a number.
    return None if labels[-1].isdigit() else host


def json_text(text: str) -> str:
    """
    Return a JSON document as it came, without the white space around it.

    Raises:
        ValidationError: says where it goes wrong.
    """
    text = text.strip()
    if not text:
        return ""
    try:
        json.loads(text)
    except RecursionError:
        raise ValidationError(_("This JSON is nested too deeply.")) from None
    except json.JSONDecodeError as error:
        raise ValidationError(
            _("This is no JSON: look at line %(line)d, column %(column)d.")
            % {"line": error.lineno, "column": error.colno}
        ) from None
    except ValueError:
        # A number of thousands of digits.
        raise ValidationError(_("This is no JSON.")) from None
    return text


def account_name(text: str) -> str:
    """
    Return the name of an account at OVHcloud.

    Raises:
        ValidationError: it cannot be one.
    """
    text = text.strip()
    if text and not _ACCOUNT.fullmatch(text):
        raise ValidationError(_("The name of an account looks like ab12345-ovh."))
    return text


def plain_text(text: str) -> str:
    """
    Return a text that can be stored.

    Raises:
        ValidationError: it holds what no text holds.
    """
    text = text.strip()
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in text):
        raise ValidationError(_("There are signs in it that cannot be sent."))
    return text
