"""Application keys, what an account granted, and service accounts that sign in by OAuth2."""

import re

import ovh
import ovh.client
import pytest
import requests
from ovh.exceptions import OAuth2FailureError

from tests.sandboxes import Customer, Sandbox

from . import official
from .client import Signing, real_client

_SERVICE = {"callbackUrls": [], "flow": "CLIENT_CREDENTIALS", "name": "nightly", "description": "Reads at night"}


def _application(sandbox: Sandbox, name: str = "Another tool") -> tuple[str, str]:
    """Make an application on the page, as its owner does, and return key and secret."""
    sent = {"nichandle": sandbox.anna["nichandle"], "password": sandbox.anna["password"], "name": name}
    page = requests.post(f"{sandbox.base}/createApp/", sent, timeout=5)
    key, secret = re.findall(r"<code>(\w+)</code>", page.text)
    return key, secret


def test_an_application_is_made_on_a_page_and_belongs_to_its_account(anna: Signing) -> None:
    sandbox = anna.sandbox
    before = anna.get("/me/api/application")
    key, secret = _application(sandbox, "<b>Tool</b>")
    assert (len(key), len(secret)) == (16, 32)
    assert len(anna.get("/me/api/application")) == len(before) + 1
    assert Signing(sandbox, sandbox.company).get("/me/api/application") == []
    wrong = {"nichandle": sandbox.anna["nichandle"], "password": "guess", "name": "x"}
    page = requests.post(f"{sandbox.base}/createApp/", wrong, timeout=5)
    assert "<code>" not in page.text
    assert "Set-Cookie" not in page.headers


def test_a_consumer_key_of_another_application_does_not_exist(anna: Signing) -> None:
    key, secret = _application(anna.sandbox)
    foreign = Signing(anna.sandbox, anna.customer)
    signed = foreign.call("GET", "/me", application=(key, secret))
    assert (signed.status_code, signed.json()) == (
        403,
        {"class": "Client::Forbidden", "message": "This credential does not exist"},
    )
    asked = requests.post(
        f"{anna.sandbox.api_base}/auth/credential",
        json={"accessRules": [{"method": "GET", "path": "/me"}]},
        headers={"X-Ovh-Application": key},
        timeout=5,
    ).json()
    anna.sandbox.validate(asked["validationUrl"])
    own: Customer = {**anna.customer, "consumer_key": asked["consumerKey"]}
    assert Signing(anna.sandbox, own).call("GET", "/me", application=(key, secret)).status_code == 200
    assert Signing(anna.sandbox, own).call("GET", "/me").json()["message"] == "This credential does not exist"


def test_an_account_sees_and_takes_back_what_it_granted(anna: Signing) -> None:
    sandbox = anna.sandbox
    client = real_client(sandbox)
    asked = client.request_consumerkey([{"method": "GET", "path": "/me"}])
    before = anna.get("/me/api/credential")
    sandbox.validate(asked["validationUrl"])
    (number,) = set(anna.get("/me/api/credential?status=validated")) - set(before)
    told = anna.get(f"/me/api/credential/{number}")
    assert official.faults_in(told, "auth.ApiCredential") == []
    assert (told["rules"], told["status"]) == ([{"method": "GET", "path": "/me"}], "validated")
    assert number in anna.get(f"/me/api/credential?applicationId={told['applicationId']}")
    assert anna.get("/me/api/credential?applicationId=1") == []
    assert anna.call("GET", "/me/api/credential?status=wild").status_code == 400
    assert Signing(sandbox, sandbox.company).call("GET", f"/me/api/credential/{number}").status_code == 404
    assert client.get("/me")["nichandle"] == "am12345-ovh"

    elsewhere = told | {"allowedIPs": ["192.0.2.0/24"]}
    assert anna.call("PUT", f"/me/api/credential/{number}", elsewhere).text == "null"
    with pytest.raises(ovh.APIError, match="This credential is not valid"):
        client.get("/me")
    assert anna.call("PUT", f"/me/api/credential/{number}", {"allowedIPs": None}).status_code == 200
    client.get("/me")
    assert anna.call("DELETE", f"/me/api/credential/{number}").text == "null"
    with pytest.raises(ovh.APIError, match="This credential does not exist"):
        client.get("/me")


def _service_client(sandbox: Sandbox, client_id: str, secret: str) -> ovh.Client:
    ovh.client.ENDPOINTS["sandbox-oauth2"] = sandbox.api_base
    ovh.client.OAUTH2_TOKEN_URLS["sandbox-oauth2"] = f"{sandbox.base}/auth/oauth2/token"
    return ovh.Client(endpoint="sandbox-oauth2", client_id=client_id, client_secret=secret, timeout=10)


@pytest.fixture
def service(anna: Signing, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Id and secret of a service account of Anna's."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    made: dict[str, str] = anna.call("POST", "/me/api/oauth2/client", _SERVICE).json()
    assert set(made) == {"clientId", "clientSecret"}
    return made


def test_the_real_client_signs_in_by_oauth2(anna: Signing, service: dict[str, str]) -> None:
    sandbox, since = anna.sandbox, anna.sandbox.last_request()
    client = _service_client(sandbox, service["clientId"], service["clientSecret"])
    assert client.get("/me")["nichandle"] == "am12345-ovh"
    order_id = sandbox.make_order(status="delivered")
    assert client.get(f"/me/order/{order_id}/status") == "delivered"
    client.post(f"/me/order/{order_id}/retraction", reason="other")
    assert "retraction_accepted" in sandbox.events(order_id)
    details = client.get("/auth/details")
    assert official.faults_in(details, "auth.Details") == []
    assert (details["method"], details["allowedRoutes"]) == ("oauth2_client_credentials", None)
    paths = [entry["path"] for entry in sandbox.requests(since)]
    assert "/1.0/auth/time" not in paths
    assert {entry["nichandle"] for entry in sandbox.requests(since)} == {"am12345-ovh"}
    for path in ("/auth/currentCredential", "/auth/logout"):
        with pytest.raises(ovh.APIError, match="This credential is not valid"):
            client.call("GET" if path.endswith("Credential") else "POST", path)


def test_a_policy_says_what_a_service_account_may_do(anna: Signing, service: dict[str, str]) -> None:
    sandbox = anna.sandbox
    client = _service_client(sandbox, service["clientId"], service["clientSecret"])
    sandbox.control("POST", "policies", {"clientId": service["clientId"], "actions": ["account:apiovh:me/order/get"]})
    order_id = client.get("/me/order")[0]
    client.get(f"/me/order/{order_id}")
    answer = client.raw_call("GET", f"/me/order/{order_id}/status")
    assert (answer.status_code, answer.json()) == (
        403,
        {
            "class": "Client::Forbidden",
            "message": "User not granted for this request",
            "details": {
                "unauthorizedActionsByAuthentication": "",
                "unauthorizedActionsByIAM": "account:apiovh:me/order/status/get",
            },
        },
    )


def test_a_token_ends_and_a_wrong_secret_gets_none(anna: Signing, service: dict[str, str]) -> None:
    sandbox = anna.sandbox
    wrong = _service_client(sandbox, service["clientId"], "guess")
    with pytest.raises(OAuth2FailureError):
        wrong.get("/me")
    url = f"{sandbox.base}/auth/oauth2/token"
    form = {"grant_type": "client_credentials", "scope": "all"}
    basic = (service["clientId"], service["clientSecret"])
    answer = requests.post(url, form, auth=basic, timeout=5).json()
    assert {name: answer[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 3599,
        "scope": "all",
    }
    refused = requests.post(url, form, auth=(service["clientId"], "guess"), timeout=5)
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})
    other = requests.post(url, {"grant_type": "password"}, auth=basic, timeout=5)
    assert (other.status_code, other.json()) == (400, {"error": "unsupported_grant_type"})

    def me(token: str) -> tuple[int, str | None]:
        headers = {"Authorization": f"Bearer {token}"}
        got = requests.get(f"{sandbox.api_base}/me", headers=headers, timeout=5)
        return got.status_code, got.json().get("message")

    assert me(answer["access_token"])[0] == 200
    assert me("nonsense") == (401, "You must login first")
    assert me(answer["access_token"][:-1]) == (401, "You must login first")
    sandbox.clock(3600)
    assert me(answer["access_token"]) == (401, "You must login first")
