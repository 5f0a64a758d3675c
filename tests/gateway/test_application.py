"""Which addresses a call may be signed for, and to which a customer may be sent."""

import pytest

from gateway import Application, Gateway, UnusableAnswer
from tests.gateway.crooked import Crooked, response


@pytest.mark.parametrize(
    ("endpoint", "base_url"),
    [
        (".evil.test", ""),
        ("@evil.test", ""),
        ("http://127.0.0.1:1/", ""),
        ("", ""),
        ("kimsufi-eu", ""),
        ("ovh-eu", "127.0.0.1:8080/1.0"),
        ("ovh-eu", "http://127.0.0.1:8080"),
        ("ovh-eu", "http://127.0.0.1:8080/v1"),
        ("ovh-eu", "http://127.0.0.1:8080/1.0?x=1"),
        ("ovh-eu", "http://user:password@127.0.0.1:8080/1.0"),
        ("ovh-eu", "ftp://127.0.0.1/1.0"),
        ("ovh-eu", "http:///1.0"),
        ("ovh-eu", "http://host:port/1.0"),
    ],
)
def test_an_address_nobody_could_sign_for_is_refused(endpoint: str, base_url: str) -> None:
    with pytest.raises(ValueError):
        Application(endpoint, base_url, "key", "secret")


OFFICIAL = Application("ovh-eu", "", "key", "secret", ("www.ovh.com", "auth.example:8443"))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://www.ovh.com/auth/?credentialToken=x", True),
        ("https://WWW.OVH.COM/auth/", True),
        ("https://auth.example:8443/auth/", True),
        ("https://auth.example/auth/", False),
        ("https://auth.example:8444/auth/", False),
        ("http://www.ovh.com/auth/", False),
        ("https://evil.test/", False),
        ("https://www.ovh.com.evil.test/", False),
        ("https://www.ovh.com@evil.test/", False),
        ("https://evil.test\\@www.ovh.com/", False),
        ("https://evil.test/\t@www.ovh.com/", False),
        ("https://www.ovh.com:port/", False),
        ("https://www.ovh.com%2f.evil.test/", False),
        ("//www.ovh.com/", False),
        ("javascript://www.ovh.com/%0aalert(1)", False),
        ("https://wwẘ.ovh.com/", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_customers_are_sent_only_to_hosts_we_know(url: str, allowed: bool) -> None:
    assert OFFICIAL.may_ask_for_consent(url) is allowed


def test_a_sandbox_may_ask_for_consent_on_its_own_host() -> None:
    sandbox = Application("ovh-eu", "http://localhost:8001/1.0", "key", "secret")
    assert sandbox.may_ask_for_consent("http://localhost:8001/auth/?credentialToken=x")
    assert not sandbox.may_ask_for_consent("http://evil.test:8001/auth/")


def test_a_validation_page_elsewhere_is_no_answer(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(response(200, {"consumerKey": "k", "validationUrl": "https://evil.test/", "state": "new"}))
    with pytest.raises(UnusableAnswer):
        gateway.request_credential([], "http://localhost/")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://evil.test/x.pdf", "data:text/html,x", "/relative", ""])
def test_documents_are_looked_for_at_ovhcloud_only(gateway: Gateway, crooked: Crooked, url: str) -> None:
    good = "https://www.ovh.com/cgi-bin/order/display-order.cgi?orderId=7&orderPassword=x"
    crooked.answers(response(200, {"url": good, "pdfUrl": url}))
    links = gateway.order_links(7)
    assert (links.url, links.pdf_url) == (good, "")
    assert "orderPassword" not in repr(links)
