"""What holds for the whole house: migrations are of their models, settings are documented, files are what they say."""

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
