"""The guide's whole journey, with OVHcloud's own clients as they are."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sandboxes import Sandbox

from .client import Signing, real_client
from .journeys import guide

_ROOT = Path(__file__).resolve().parents[2]


def test_the_python_client_goes_the_whole_way(sandbox: Sandbox) -> None:
    sandbox.pace(400)
    told: list[str] = []
    client = real_client(sandbox, sandbox.anna["consumer_key"])
    domain, vps = guide.journey(client, told.append)
    assert len(told) >= 14
    assert sandbox.events(domain)[:3] == ["created", "paid", "checking"]
    assert "retraction_accepted" in sandbox.events(vps)
    anna = Signing(sandbox, sandbox.anna)
    assert anna.get(f"/me/order/{domain}")["retractionDate"] is None
    lines = [anna.get(f"/me/order/{domain}/details/{one}") for one in anna.get(f"/me/order/{domain}/details")]
    assert {line["domain"] for line in lines} == {"lavande-du-voyage.fr"}
    sandbox.wait_until(lambda: anna.get(f"/me/refund?orderId={vps}"))


def _packages() -> Path:
    return (_ROOT / os.environ.get("NODE_PATH", "node_modules")).resolve()


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
@pytest.mark.skipif(
    not (_packages() / "@ovhcloud" / "node-ovh").is_dir(),
    reason="npm install @ovhcloud/node-ovh, and NODE_PATH names its node_modules if it is not here",
)
def test_the_node_client_goes_the_whole_way_over_tls(sandbox: Sandbox, tmp_path: Path) -> None:
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
        ["node", str(Path(guide.__file__).with_suffix(".mjs")), str(file)],
        env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": sandbox.ca_file, "NODE_PATH": str(_packages())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.endswith("the whole way\n")
