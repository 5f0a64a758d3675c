"""A generated customer's browser, and reading what stands on a page."""

import re

import requests

from tests.chaos.journal import Journal
from tests.sandboxes import forms

PATIENCE_S = 20
# An act that met trouble: the network, or an answer that is not the page.
Trouble = (requests.RequestException, AssertionError, IndexError, KeyError)


class Browser:
    """A customer's browser. It notes how each page was answered."""

    def __init__(self, base: str, journal: Journal, cookies: requests.cookies.RequestsCookieJar | None = None) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False
        self._journal = journal
        if cookies is not None:
            self.session.cookies.update(cookies)

    def another_tab(self) -> "Browser":
        """The same person in another tab, for another thread."""
        return Browser(self.base, self._journal, self.session.cookies)

    def get(self, path: str, *, fragment: bool = False) -> requests.Response:
        return self._send("GET", path, headers={"HX-Request": "true"} if fragment else {})

    def post(self, path: str, fields: dict[str, str]) -> requests.Response:
        """Post, and keep the redirect for the caller."""
        return self._send("POST", path, data=fields, headers={"Referer": self.base + path})

    def fields(self, path: str, marked: str) -> dict[str, str]:
        """As fields_of, of the page at this address."""
        return fields_of(self.get(path).text, marked)

    def _send(self, method: str, path: str, **more: object) -> requests.Response:
        url = path if path.startswith("http") else self.base + path
        try:
            answer = self.session.request(method, url, timeout=PATIENCE_S, allow_redirects=False, **more)  # type: ignore[arg-type]
        except requests.RequestException as error:
            self._journal.note_answer(type(error).__name__)
            raise
        self._journal.note_answer(str(answer.status_code))
        if answer.status_code == 500:
            self._journal.note_failed_page(f"{method} {path}", 500)
        for name in ("panel_session", "panel_csrf"):
            self._journal.keep_secret(self.session.cookies.get(name) or "", name)
        return answer


def form_in(page: str, marked: str) -> str:
    """
    The form that has this mark in its tag.

    Raises:
        IndexError: the page has none.
    """
    found = [form for form in re.findall(r"<form\b.*?</form>", page, re.DOTALL) if marked in form.partition(">")[0]]
    return found[0]


def fields_of(page: str, marked: str) -> dict[str, str]:
    """The named inputs of that form, as they stand there; boxes with the value that they have when ticked."""
    return {name: value for name, value in forms(form_in(page, marked))[0].items() if name}
