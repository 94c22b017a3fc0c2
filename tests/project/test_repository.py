"""Rules of the repository itself: the docs name what exists, and nothing of anybody's machine is in it."""

import re
import subprocess
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml
from typer.main import get_command

from cli.app import app
from migration.ledger.decisions import DecisionName
from migration.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
INTERNALS = (ROOT / "docs" / "internals.md").read_text(encoding="utf-8")
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_each_setting_stands_in_the_readme(name: str) -> None:
    """A setting that nobody can find is not there."""
    assert f"`ARTWORK_{name.upper()}`" in README


@pytest.mark.parametrize("name", list(DecisionName))
def test_each_decision_stands_in_the_readme(name: str) -> None:
    """An operator must know which choices there are."""
    assert f"`{name}`" in README


def test_each_deployment_stands_in_the_readme_and_leads_to_its_flow() -> None:
    """One name everywhere: the deployment, the flow's file and its function."""
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]:
        file, function = deployment["entrypoint"].split(":")
        assert f"`{deployment['name']}`" in README
        assert Path(file).stem == function
        assert re.sub(r"^\d-", "", deployment["name"]) == function.replace("_", "-")
        assert (ROOT / file).is_file()


def test_each_verb_is_on_the_command_line() -> None:
    """Every flow can be run from a terminal too."""
    commands = set(get_command(app).commands["run"].commands)  # type: ignore[attr-defined]  # a group, by construction
    flows = {path.stem.replace("_", "-") for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__"}
    assert flows == commands


def test_no_flow_is_named_like_something_importable() -> None:
    """Prefect puts flows/ first on sys.path: a file there would hide the module of that name."""
    import importlib.machinery

    for path in (ROOT / "flows").glob("*.py"):
        if path.stem != "__init__":
            assert importlib.machinery.PathFinder.find_spec(path.stem) is None, path.name


def test_every_folder_of_the_house_is_described() -> None:
    """docs/internals.md names every folder of code."""
    for folder in {Path(name).parts[0] for name in TRACKED if name.endswith((".py", ".sql"))}:
        assert f"`{folder}/`" in INTERNALS


def test_nothing_of_a_machine_is_in_the_repository() -> None:
    """No path of a machine and no address of a package index, in lock files neither."""
    pattern = re.compile(
        r"(?<![\w.])/(?:work|root|home)/|files\.pythonhosted|pypi\.org|registry\.npmjs|--index-url|--extra-index-url|find-links"
    )
    for name in TRACKED:
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        if name != Path(__file__).relative_to(ROOT).as_posix():
            assert not pattern.search(text), name


def test_flows_and_tasks_are_annotated() -> None:
    """The forms in the UI are made from the parameters' types and the docstrings' words."""
    from flows.clean_up import clean_up
    from flows.decide import decide
    from flows.deploy_schema import deploy_schema
    from flows.roll_back import roll_back

    for flow in (clean_up, decide, deploy_schema, roll_back):
        assert flow.fn.__doc__
        for name in get_type_hints(flow.fn):
            assert name == "return" or f"{name}:" in flow.fn.__doc__, f"{flow.name} does not explain {name}"


def test_readme_commands_are_all_run_somewhere() -> None:
    """make and prefect commands are run by CI and the worker's test; the others by test_readme."""
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    worker = (ROOT / "tests" / "lifecycle" / "test_prefect.py").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for command in (line for block in blocks for line in block.splitlines() if line.strip()):
        if command.startswith("make "):
            assert command in ci.splitlines(), command
        elif command.startswith("prefect "):
            words = command.replace("--no-prompt ", "").split()[1:3]
            assert all(f'"{word}"' in worker for word in words), command
        else:
            assert command.startswith(("artwork-migration ", "export ARTWORK_MIGRATION_HOME=")), command
