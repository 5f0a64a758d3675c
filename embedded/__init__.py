"""
A PostgreSQL and a Valkey that need no installation, each a child of the calling process.

The demo, the sandbox and the tests run on them; production brings its own and never imports this package.
"""

from .errors import EmbeddedError
from .postgres import Postgres
from .valkey import Valkey

__all__ = ["EmbeddedError", "Postgres", "Valkey"]
