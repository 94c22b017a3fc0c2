"""Dockerfile and compose.yaml agree with the project. No container engine is needed, so nothing here builds or runs them."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_group

from cli.app import app
from cli.prefect_server import SETTINGS
from cli.worker import POOL
from tests.documents import ROOT
from tests.series import LONG

#: The instructions of the Dockerfile, each on one line.
IMAGE = re.findall(r"^([A-Z]+) (.+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " "), re.MULTILINE)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
#: A variable that must be set where compose is called.
REQUIRED = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}")


def of(instruction: str) -> list[str]:
    """The arguments of each instruction of this kind."""
    return [arguments for name, arguments in IMAGE if name == instruction]


def test_the_image_is_made_from_the_lock_files_with_hashes() -> None:
    """Both lock files are installed with hashes; nothing is resolved anew, and the Python is the oldest that the project supports."""
    installs = [command for run in of("RUN") for command in run.split("&&") if "pip install" in command]
    locks = {name for command in installs for name in re.findall(r"-r (\S+)", command)}
    assert {"requirements-build.lock", "requirements.lock"} == locks
    assert [] == [command for command in installs if "--no-deps" not in command]
    assert [] == [command for command in installs if " -r " in command and "--require-hashes" not in command]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert [f"python:{project['project']['requires-python'].removeprefix('>=')}-slim"] == of("FROM")
    copied = {source for arguments in of("COPY") for source in arguments.split()[:-1]}
    assert [] == [source for source in copied if not (ROOT / source).exists()]
    assert {name.partition(".")[0] for name in project["tool"]["setuptools"]["packages"]} <= copied


def test_the_image_runs_without_root_and_without_secrets() -> None:
    """The last user is not root, and nothing is installed after it; the settings are those of `up`, and no secret is in it."""
    names = [name for name, _ in IMAGE]
    assert (["10001"], True) == (of("USER"), "RUN" not in names[names.index("USER") :])
    set_in_image = dict(pair.split("=", 1) for arguments in of("ENV") for pair in arguments.split())
    assert {**SETTINGS, "ARTWORK_REPORTS": "/reports"} == set_in_image
    assert [] == of("ARG")


def test_no_password_is_in_compose() -> None:
    """Each password and address with one comes from the environment, and compose stops without it; the UI can be reached locally only."""
    for name, service in COMPOSE["services"].items():
        for variable, value in service["environment"].items():
            secret = re.search("PASSWORD|AUTH|DATABASE_CONNECTION_URL", variable)
            assert not secret or REQUIRED.search(value), f"{name}: {variable}"
            assert not re.search("://[^/@]*:[^/@]+@", REQUIRED.sub("", value or "")), f"{name}: {variable}"
        assert [] == [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]
        assert {} == {other: given for other, given in service.get("depends_on", {}).items() if other not in COMPOSE["services"]}
    assert "ARTWORK_DATABASE_URL" in OURS["worker"]["environment"]
    assert {None} == {OURS["worker"]["environment"]["ARTWORK_DATABASE_URL"], OURS["register"]["environment"]["ARTWORK_NOTIFY_URL"]}
    assert ["register"] == [name for name, service in OURS.items() if "ARTWORK_NOTIFY_URL" in service["environment"]]
    volumes = {volume.partition(":")[0] for service in COMPOSE["services"].values() for volume in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) == volumes


def test_the_services_wait_for_each_other_and_end_in_time() -> None:
    """Our three services share one image and the address of the UI; a registration that fails is repeated, and a worker has time to end."""
    assert (3, 1) == (len(OURS), len({service["image"] for service in OURS.values()}))
    assert {"http://127.0.0.1:4200"} == {service["environment"]["PREFECT_UI_URL"] for service in OURS.values()}
    assert ("on-failure", True, "60s") == (OURS["register"]["restart"], OURS["worker"]["init"], OURS["worker"]["stop_grace_period"])
    ready = COMPOSE["services"]["database"]["healthcheck"]["test"]
    assert "127.0.0.1" == ready[ready.index("--host") + 1]


@LONG
@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_service_exists(name: str) -> None:
    """Each command is one of ours or of Prefect's, with options that it has, and the worker polls our pool."""
    program, *words = OURS[name]["command"]
    if program == "artwork-migration":
        assert [words[0]] == words
        assert words[0] in get_group(app).commands
        return
    assert "prefect" == program
    options = [word for word in words if word.startswith("--")]
    command = words[: words.index(options[0])]
    done = subprocess.run([Path(sys.executable).with_name("prefect"), *command, "--help"], capture_output=True, text=True, check=True)
    assert [] == [option for option in options if option not in done.stdout]
    assert "--pool" not in words or POOL == words[words.index("--pool") + 1]
