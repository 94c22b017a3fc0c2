"""The wheel: it is installed where there is no checkout, so everything that is read must be in it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.databases import Shop
from tests.series import LONG

ROOT = Path(__file__).parents[2]
#: Prints the plan of deploy-schema, and where its SQL was read.
PLANNING = """
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in str(finder)]  # it would find the packages in the checkout
import sql
print(sql.ROOT, file=sys.stderr)
from cli.app import main
main()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel of the checkout leaves in the folder of the packages."""
    source, built, folder = (tmp_path_factory.mktemp(name) for name in ("source", "built", "installed"))
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in filter(None, tracked.split("\0")):
        if (ROOT / path).is_file():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, source / path)
    build = [sys.executable, "-m", "uv", "build", "-q", "--wheel", "--no-build-isolation", "--offline", "-o", str(built), str(source)]
    subprocess.run(build, check=True)
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_has_every_file_of_its_packages(installed: Path) -> None:
    """SQL, templates and the declarations for Prefect are in the wheel, and of each package every module."""
    packages = [path.name for path in installed.iterdir() if path.suffix != ".dist-info"]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["root_packages"]
    assert {*declared} - {"bench"} == {*packages}
    ours = {
        path.relative_to(ROOT)
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set() == ours - {path.relative_to(installed) for path in installed.rglob("*")}


@LONG
def test_a_verb_runs_from_the_wheel_in_another_folder(installed: Path, shop: Shop, tmp_path: Path) -> None:
    """A plan is made from the SQL of the wheel, and its file is in the reports of the folder where it was run."""
    done = subprocess.run(
        [sys.executable, "-c", PLANNING, "run", "deploy-schema", "--json"],
        env={**os.environ, "PYTHONPATH": str(installed), "ARTWORK_DATABASE_URL": shop.url, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(installed / "sql") == done.stderr.splitlines()[0], done.stderr
    assert "Blocked" == json.loads(done.stdout)["end"]
    assert list((tmp_path / "reports").glob("plan-*.md"))
