"""OVHcloud's validation page, walked with the real client as every program does."""

from urllib.parse import parse_qs, urlsplit

import ovh
import pyotp
import pytest
import requests

from tests.sandboxes import Sandbox, forms

from .client import Signing, real_client

_RULES = [{"method": "GET", "path": "/me"}, {"method": "GET", "path": "/auth/currentCredential"}]
_BACK = "http://localhost:1/back?nonce=1"


def _ask(client: ovh.Client, redirection: str | None = _BACK) -> str:
    asked = client.request_consumerkey(_RULES, redirection)
    assert asked["state"] == "pendingValidation"
    url: str = asked["validationUrl"]
    return url


def test_the_whole_way_with_the_real_client(sandbox: Sandbox) -> None:
    client = real_client(sandbox)
    url = _ask(client)
    with pytest.raises(ovh.APIError, match="This credential is not valid"):
        client.get("/auth/currentCredential")
    assert sandbox.validate(url) == _BACK
    credential = client.get("/auth/currentCredential")
    assert credential["status"] == "validated"
    assert credential["rules"] == _RULES
    assert client.get("/me")["nichandle"] == sandbox.customers[0]["nichandle"]
    client_again = client.new_consumer_key_request()
    client_again.add_rules(ovh.API_READ_ONLY, "/me")
    assert client_again.request()["state"] == "pendingValidation"


def test_a_second_factor_is_asked_on_a_page_of_its_own(sandbox: Sandbox) -> None:
    client = real_client(sandbox)
    customer = sandbox.customer("second factor")
    assert sandbox.validate(_ask(client), customer) == _BACK
    assert client.get("/me")["nichandle"] == customer["nichandle"]


def test_a_wrong_code_or_somebody_elses_step_grants_nothing(sandbox: Sandbox) -> None:
    customer = sandbox.customer("second factor")
    assert customer["totp_secret"] is not None
    url, other = _ask(real_client(sandbox)), _ask(real_client(sandbox))
    session = requests.Session()
    fields = forms(session.get(url, timeout=5).text)[0]
    fields |= {"nichandle": customer["nichandle"], "password": customer["password"]}
    step = forms(session.post(f"{sandbox.base}/auth/", fields, timeout=5).text)[0]
    assert "code" in step
    wrong = session.post(f"{sandbox.base}/auth/", step | {"code": "000000"}, timeout=5, allow_redirects=False)
    assert wrong.status_code == 200
    code = pyotp.TOTP(customer["totp_secret"]).now()
    stolen = step | {"code": code, "credentialToken": sandbox.credential_token(other)}
    assert session.post(f"{sandbox.base}/auth/", stolen, timeout=5, allow_redirects=False).status_code == 200
    right = session.post(f"{sandbox.base}/auth/", step | {"code": code}, timeout=5, allow_redirects=False)
    assert right.headers["Location"] == _BACK
    session.close()


def test_refusing_leads_back_too(sandbox: Sandbox) -> None:
    client = real_client(sandbox)
    assert sandbox.validate(_ask(client), refuse=True) == _BACK
    with pytest.raises(ovh.APIError, match="This credential is not valid"):
        client.get("/me")


def test_without_redirection_the_page_ends_there(sandbox: Sandbox) -> None:
    client = real_client(sandbox)
    assert sandbox.validate(_ask(client, None)) == ""
    assert client.get("/me")["firstname"] == "Anna"


def test_a_wrong_password_asks_again_and_grants_nothing(sandbox: Sandbox) -> None:
    url = _ask(real_client(sandbox))
    wrong = {**sandbox.customers[0], "password": "wrong"}
    with pytest.raises(AssertionError, match="asks again"):
        sandbox.validate(url, wrong)  # type: ignore[arg-type]
    assert sandbox.validate(url) == _BACK


def test_a_request_is_answered_once(sandbox: Sandbox) -> None:
    url = _ask(real_client(sandbox))
    sandbox.validate(url)
    assert requests.get(url, timeout=5).status_code == 404


def test_a_request_waits_a_day(sandbox: Sandbox) -> None:
    url = _ask(real_client(sandbox))
    sandbox.clock(24 * 3600 + 1)
    assert requests.get(url, timeout=5).status_code == 404


def test_a_grant_for_a_day_is_over_after_it(sandbox: Sandbox) -> None:
    client = real_client(sandbox)
    url = _ask(client)
    fields = {"credentialToken": sandbox.credential_token(url), "duration": "1"}
    fields |= {name: sandbox.customers[0][name] for name in ("nichandle", "password")}  # type: ignore[literal-required]
    answer = requests.post(f"{sandbox.base}/auth/", fields, timeout=5, allow_redirects=False)
    assert answer.status_code == 302
    assert client.get("/auth/currentCredential")["expiration"] is not None
    sandbox.clock(24 * 3600 + 1)
    client._time_delta = None
    with pytest.raises(ovh.APIError, match="This credential is not valid"):
        client.get("/me")


@pytest.mark.parametrize(("language", "word"), [("en-GB", "Authorize Access"), ("fr-FR", "Autoriser")])
def test_the_page_speaks_the_readers_language_and_sets_no_cookie(sandbox: Sandbox, language: str, word: str) -> None:
    page = requests.get(_ask(real_client(sandbox)), headers={"Accept-Language": language}, timeout=5)
    first, second = forms(page.text)
    assert f">{word}</button>" in page.text
    assert set(first) == {"credentialToken", "nichandle", "password"}
    assert second["refuse"] == "1"
    assert not page.cookies
    assert "/me" in page.text


def test_a_key_of_another_account_reads_its_own_orders_only(sandbox: Sandbox) -> None:
    company = Signing(sandbox, sandbox.customers[1])
    anna = Signing(sandbox, sandbox.customers[0])
    hers = anna.get("/me/order")[0]
    assert company.call("GET", f"/me/order/{hers}").status_code == 404
    nobodys = company.call("GET", "/me/order/1")
    theirs = company.call("GET", f"/me/order/{hers}")
    assert nobodys.json()["message"].replace("1", "N", 1) == theirs.json()["message"].replace(str(hers), "N")


def test_validation_urls_stand_beside_the_api(sandbox: Sandbox) -> None:
    parts = urlsplit(_ask(real_client(sandbox)))
    assert (parts.netloc, parts.path) == (urlsplit(sandbox.base).netloc, "/auth/")
    assert len(parse_qs(parts.query)["credentialToken"][0]) == 64
