"""The encryption key is changed while the panel serves: every request that opens a stored key goes through."""

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet
from django.test import Client

from accounts import crypto
from accounts.models import Link
from tests.factories import make_customer, make_order
from tests.processes.stack import ROOT, Stack, until

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
PEOPLE = 3


class Rotating(Stack):
    """Its processes hold both keys, as they do from the restart before a rotation to the one after it."""

    def environment(self, process: str) -> dict[str, str]:
        return super().environment(process) | {"CREDENTIAL_KEYS": f"{NEW},{OLD}"}


def test_rotating_while_serving_loses_no_request(ovh: Any, settings: Any, tmp_path: Path):
    settings.CREDENTIAL_KEYS = [OLD]
    people = [make_customer(ovh.customers[index]["nichandle"]) for index in range(PEOPLE)]
    for index, user in enumerate(people):
        link = user.links.get()
        link.keep_key(ovh.customers[index]["consumer_key"])
        link.save()
    others = [make_customer() for _ in range(60)]
    stack = Rotating(tmp_path, ovh)
    stack.start_web()
    over, answers, wrong = threading.Event(), [], []

    def use(user: Any, number: int) -> None:
        """Open the way to pay again and again: each reads the address at OVHcloud with the stored key."""
        browser = requests.Session()
        browser.cookies.set("panel_session", sessions[user])
        pay = f"{stack.base}/orders/{number}/pay/"
        try:
            while not over.is_set():
                token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(pay, timeout=10).text)
                assert token
                sent = {"csrfmiddlewaretoken": token[1], "account": user.nichandle.nichandle}
                page = browser.post(pay, sent, timeout=10).text
                leave = re.search(rf"/orders/{number}/leave/[\w-]+/", page)
                assert leave, page
                answers.append(browser.get(stack.base + leave[0], allow_redirects=False, timeout=10).status_code)
        except Exception as error:
            wrong.append(repr(error))

    numbers, sessions = [], {}
    for index, user in enumerate(people):
        numbers.append(ovh.make_order(ovh.customers[index], price="12.00"))
        make_order(user.nichandle, numbers[-1], status="notPaid")
        client = Client()
        client.force_login(user)
        sessions[user] = client.cookies["panel_session"].value
    threads = [threading.Thread(target=use, args=pair) for pair in zip(people, numbers, strict=True)]
    try:
        for thread in threads:
            thread.start()
        until(lambda: len(answers) >= PEOPLE, 30, "requests go through")
        before = len(answers)
        told = subprocess.run(
            [sys.executable, "manage.py", "rotate_keys"],
            cwd=ROOT,
            env=stack.environment("command"),
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        until(lambda: len(answers) >= before + PEOPLE, 30, "requests go on")
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
        stack.stop_all()
    assert wrong == []
    assert set(answers) == {302}
    assert f"{PEOPLE + len(others)} keys stored" in told
    settings.CREDENTIAL_KEYS = [NEW]
    assert {crypto.key_id(text) for text in Link.objects.values_list("encrypted_key", flat=True)} == {
        crypto.newest_id()
    }
    assert Link.objects.get(user=people[0]).consumer_key() == ovh.customers[0]["consumer_key"]
