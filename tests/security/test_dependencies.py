"""
The lock files: each package by its hash, from the public index, above every hole that we know of.

What needs the net is not asked here, and no list of ours can know it: whether a release was yanked, and holes that
nobody has written into floors.toml. `uvx pip-audit` and `npm audit` ask.
"""

import json
import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FLOORS = tomllib.loads((Path(__file__).parent / "floors.toml").read_text())["python"]
OURS = PROJECT["project"]["name"]
NPM = json.loads((ROOT / "tests/sandbox/journeys/package-lock.json").read_text())["packages"]


def files_of(package: dict[str, Any]) -> list[dict[str, Any]]:
    return package.get("wheels", []) + ([package["sdist"]] if "sdist" in package else [])


def wrong_in(packages: list[dict[str, Any]]) -> list[str]:
    """What in a lock is not held to one file of the public index."""
    wrong = []
    for package in packages:
        name = package["name"]
        if name == OURS:
            continue
        if package["source"] != {"registry": "https://pypi.org/simple"}:
            wrong.append(f"{name} comes from {package['source']}")
        if not files_of(package):
            wrong.append(f"{name} names no file")
        for file in files_of(package):
            if not re.fullmatch(r"sha256:[0-9a-f]{64}", file.get("hash", "")):
                wrong.append(f"{name}: {file['url']} has no hash")
            if not file.get("url", "").startswith("https://files.pythonhosted.org/packages/"):
                wrong.append(f"{name}: {file.get('url')} is no file of PyPI")
    return wrong


def below_floor(packages: list[dict[str, Any]]) -> list[str]:
    locked = {package["name"]: Version(package["version"]) for package in packages}
    return [f"{name} {locked[name]}: {why}" for name, (good, why) in FLOORS.items() if locked[name] < Version(good)]


def test_each_package_is_a_file_of_pypi_by_its_hash():
    assert wrong_in(LOCK) == []
    assert len(LOCK) > 80


def test_no_package_is_one_with_a_known_hole():
    assert below_floor(LOCK) == []
    assert {"django", "granian", "django-allauth", "cryptography"} <= set(FLOORS)
    assert all("CVE-" in why or "release notes" in why for _good, why in FLOORS.values()), "a floor without a source"


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"source": {"git": "https://example.net/x"}}, "comes from"),
        ({"wheels": [], "sdist": {"url": "https://files.pythonhosted.org/packages/x"}}, "has no hash"),
        ({"wheels": [{"url": "https://example.net/x.whl", "hash": "sha256:" + "0" * 64}]}, "no file of PyPI"),
        ({"version": "5.2.18"}, "private pages in shared caches"),
    ],
)
def test_a_lock_that_was_spoiled_is_noticed(spoiled: dict[str, Any], said: str):
    packages = [package | spoiled if package["name"] == "django" else package for package in LOCK]
    assert any(said in line for line in wrong_in(packages) + below_floor(packages))


def test_what_runs_here_is_what_is_locked():
    """An audit of the lock speaks of nothing else that is installed."""
    locked = {package["name"]: package["version"] for package in LOCK}
    here = {re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version for one in distributions()}
    strangers = {name: version for name, version in here.items() if locked.get(name) != version}
    assert set(strangers) <= {"pip", "setuptools", "wheel"}, strangers


def test_production_installs_neither_the_sandbox_nor_the_tests():
    by_name = {package["name"]: package for package in LOCK}
    wanted, reached = [OURS], set()
    while wanted:
        name = wanted.pop()
        if name in reached:
            continue
        reached.add(name)
        package = by_name[name]
        needs = list(package.get("dependencies", []))
        for extras in package.get("optional-dependencies", {}).values():
            needs += extras
        wanted += [need["name"] for need in needs]
    groups = {"embedded", "sandbox", "test", "lint"}
    assert groups <= set(PROJECT["dependency-groups"])
    for group in groups:
        for line in PROJECT["dependency-groups"][group]:
            name = re.split(r"[^\w-]", line)[0].lower()
            assert name not in reached, f"{name} of the group {group} would run in production"
    assert "uv sync --locked --no-default-groups" in (ROOT / "README.md").read_text()


def test_the_npm_lock_names_each_package_by_its_hash():
    """They run in a test of the sandbox alone; pages load no script that did not come with a Python package."""
    for where, package in NPM.items():
        if where:
            assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package.get("integrity", "")), where
            assert package.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/"), (
                where
            )
            assert not package.get("hasInstallScript"), f"{where} would run something when it is installed"
    assert len(NPM) > 5
    assert not list((ROOT / "static").rglob("node_modules"))
