"""What holds for the whole house: migrations are of their models, settings are documented, files are what they say."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.django_db
def test_the_panels_migrations_are_of_its_models():
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)


def test_the_sandboxs_migrations_are_of_its_models():
    command = [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run", "--settings=sandbox.settings"]
    run = subprocess.run(command, cwd=CHECKOUT, env=os.environ, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_setting_stands_in_the_readme():
    settings = (CHECKOUT / "panel" / "settings.py").read_text()
    read = set(re.findall(r'(?:env\.\w+|required|env)\(\s*"([A-Z_]+)"', settings))
    assert len(read) > 10
    readme = (CHECKOUT / "README.md").read_text()
    assert sorted(name for name in read if f"`{name}`" not in readme) == []


def test_a_link_in_the_documents_leads_to_a_file():
    broken = []
    for document in [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            if not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []


# Ways of putting something in the place of code that runs.
_DOUBLES = ("mock", "unittest.mock", "pytest_mock", "responses", "requests_mock", "httpretty", "vcr", "respx")
_REPLACES = ("setattr", "delattr", "setitem", "patch")


def _doubles_in(source: str) -> list[str]:
    """Return where a test puts something in the place of `ovh`, of `requests` or of our own code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names if one.name in _DOUBLES]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            whole = {f"{node.module}.{one.name}" for one in node.names} | {str(node.module)}
            names = sorted(whole & set(_DOUBLES))
        elif isinstance(node, ast.arg) and node.arg == "mocker":
            names = ["mocker"]
        elif isinstance(node, ast.Call) and _is_patch(node.func) and not _is_of_python(node.args[0]):
            names = [ast.unparse(node)]
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [ast.unparse(one) for one in targets if isinstance(one, ast.Attribute) and _is_library(one)]
        found += [f"{node.lineno}: {name}" for name in names]
    return found


def _is_patch(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _REPLACES and _root(node) == "monkeypatch"


def _is_of_python(target: ast.expr) -> bool:
    """Whether it is a module of Python's own: a test may fill the disk, but not rewrite what we wrote."""
    named = target.value if isinstance(target, ast.Constant) else _root(target)
    return str(named).partition(".")[0] in sys.stdlib_module_names


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_library(target: ast.Attribute) -> bool:
    return _root(target) in ("ovh", "requests")


@pytest.mark.parametrize(
    "source",
    [
        "import responses",
        "from unittest import mock",
        "from unittest.mock import patch",
        "def test_it(mocker): ...",
        "def test_it(monkeypatch): monkeypatch.setattr('gateway.client.call', 1)",
        "def test_it(monkeypatch): monkeypatch.setattr(actions, 'retract', None)",
        "def test_it(monkeypatch): monkeypatch.setitem(ovh.client.ENDPOINTS, 'ovh-eu', '')",
        "import ovh\novh.client.Client.call = None",
        "import requests\nrequests.Session.send = None",
    ],
)
def test_something_in_the_place_of_code_is_noticed(source):
    assert _doubles_in(source)


def test_tests_put_nothing_in_the_place_of_ovh_requests_or_our_own_code():
    files = list((CHECKOUT / "tests").rglob("*.py"))
    assert len(files) > 50
    assert {str(one): found for one in files if (found := _doubles_in(one.read_text()))} == {}
