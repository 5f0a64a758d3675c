"""The guide's whole journey, with OVHcloud's own clients as they are."""

import json
import subprocess
from pathlib import Path

import pytest

from tests import node
from tests.sandboxes import Sandbox

from .client import Signing, real_client
from .journeys import guide

# The journey asks again, to be refused.
_ASKED_TWICE = ["retraction_accepted", "retraction_refused"]


def test_the_python_client_goes_the_whole_way(sandbox: Sandbox) -> None:
    sandbox.pace(400)
    told: list[str] = []
    client = real_client(sandbox, sandbox.anna["consumer_key"])
    domain, vps = guide.journey(client, told.append)
    assert len(told) >= 16
    assert sandbox.events(domain)[:3] == ["created", "paid", "checking"]
    assert "retraction_accepted" in sandbox.events(vps)
    anna = Signing(sandbox, sandbox.anna)
    assert anna.get(f"/me/order/{domain}")["retractionDate"] is None
    lines = [anna.get(f"/me/order/{domain}/details/{one}") for one in anna.get(f"/me/order/{domain}/details")]
    assert {line["domain"] for line in lines} == {"lavande-du-voyage.fr"}
    sandbox.wait_until(lambda: anna.get(f"/me/refund?orderId={vps}"))


@pytest.mark.skipif(not node.is_there() and not node.is_required(), reason=node.MISSING)
def test_the_node_client_goes_the_whole_way_over_tls(sandbox: Sandbox, tmp_path: Path) -> None:
    assert node.is_there(), node.MISSING
    sandbox.pace(400)
    ready = {
        "tls": sandbox.tls,
        "customers": sandbox.customers,
        "api": {"application_key": sandbox.application_key, "application_secret": sandbox.application_secret},
    }
    file = tmp_path / "sandbox.json"
    file.write_text(json.dumps(ready))
    assert sandbox.ca_file is not None
    found = subprocess.run(
        [node.NODE, Path(guide.__file__).with_suffix(".mjs"), file],
        env={"NODE_EXTRA_CA_CERTS": sandbox.ca_file, "NODE_PATH": str(node.PACKAGES / "node_modules")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    told = found.stdout.splitlines()
    assert told[-1] == "the whole way"
    assert len(told) == 20
    domain, vps = (int(line.split()[1]) for line in told if line.startswith("order "))
    assert sandbox.events(domain)[:3] == ["created", "paid", "checking"]
    assert [event for event in sandbox.events(vps) if event.startswith("retraction")] == _ASKED_TWICE
    tls = [entry["path"] for entry in sandbox.requests() if entry["signature"] == "ok"]
    assert f"/1.0/me/order/{vps}/retraction" in tls
    documents = [entry["path"] for entry in sandbox.requests() if entry["path"].endswith(".json")]
    assert sorted(documents[-3:]) == ["/1.0/auth.json", "/1.0/me.json", "/1.0/order.json"]
