"""Rules of the repository itself: one name for a verb, and nothing of a machine or a package index in it."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml
from typer.main import get_command

from cli.app import app

ROOT = Path(__file__).parents[2]
FLOWS = sorted(path.stem for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__")
INTERNALS = (ROOT / "docs" / "internals.md").read_text(encoding="utf-8")
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
#: What would set the address of a package index, and paths of a machine. No host is known here: any address is one too many.
CHOICES = re.compile(
    r"--(?:extra-)?index-url\b|--default-index\b|--find-links\b|(?<![\w-])--index[ =]|(?<!\S)-[if] \w+://"
    r"|\b(?:PIP|UV)_(?:EXTRA_|DEFAULT_)?(?:INDEX|FIND_LINKS)|\bindex-url *=|\btool\.uv\.index\b|\bregistry *= *\w+:"
    r"|(?<![\w.])/(?:work|root|home)/"
)
#: In a lock file any address at all, and any option but a hash.
ADDRESSES = re.compile(r"^.*\w://.*$|^ *-(?!-hash=).*$", re.MULTILINE)


def test_each_deployment_leads_to_its_flow() -> None:
    """A deployment, the file of its flow and the function in it have one name, and every flow has one deployment."""
    deployments = yaml.safe_load((ROOT / "flows" / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    for deployment in deployments:
        file, function = deployment["entrypoint"].split(":")
        assert Path(file).stem == function
        assert re.sub(r"^\d-", "", deployment["name"]) == function.replace("_", "-")
    assert FLOWS == sorted(deployment["entrypoint"].partition(":")[2] for deployment in deployments)


def test_each_verb_is_on_the_command_line() -> None:
    """Every flow has a command of the same name."""
    commands = get_command(app).commands["run"].commands  # type: ignore[attr-defined]  # a group, by construction
    assert [name.replace("_", "-") for name in FLOWS] == sorted(commands)


def test_no_flow_is_named_like_something_importable() -> None:
    """Prefect puts flows/ first on sys.path: a file there would hide the module of that name."""
    import importlib.machinery

    for path in (ROOT / "flows").glob("*.py"):
        if path.stem != "__init__":
            assert importlib.machinery.PathFinder.find_spec(path.stem) is None, path.name


def test_every_folder_is_described() -> None:
    """docs/internals.md names every folder of code."""
    for folder in {Path(name).parts[0] for name in TRACKED if name.endswith((".py", ".sql"))}:
        assert f"`{folder}/`" in INTERNALS


@pytest.mark.parametrize("name", [name for name in TRACKED if Path(name).suffix == ".lock"])
def test_a_lock_file_has_versions_and_hashes_only(name: str) -> None:
    """A lock file holds no address and no option: which package index is used is the choice of whoever installs."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert [] == ADDRESSES.findall(text)


@pytest.mark.parametrize(
    "line", ["--index-url a", "-i a", "-f a", "--find-links a", "a @ file:///a.whl", "a==1 # from http://a", "git+ssh://a@b"]
)
def test_an_address_in_a_lock_file_is_seen(line: str) -> None:
    """The test before this one finds each of these lines."""
    assert ADDRESSES.search(f"a==1 \\\n    --hash=sha256:0\n{line}\n")


def test_no_file_chooses_a_package_index() -> None:
    """No option, variable or table that would set the address of a package index is in a file, and no path of a machine."""
    texts = {
        name: (ROOT / name).read_text(encoding="utf-8", errors="replace") for name in TRACKED if not Path(__file__).samefile(ROOT / name)
    }
    assert {} == {name: found for name, text in texts.items() if (found := CHOICES.findall(text))}


@pytest.mark.parametrize(
    "line",
    [
        *("--index-url=a", "--extra-index-url a", "--default-index a", "--index a", "--find-links a", "-i http://a", "-f http://a"),
        *("PIP_INDEX_URL=a", "UV_DEFAULT_INDEX=a", "PIP_FIND_LINKS=a", "index-url = a", "[[tool.uv.index]]", "registry=http://a"),
        *("/home/ada/shop", "/root/shop", "/work/shop"),
    ],
)
def test_a_choice_of_an_index_is_seen(line: str) -> None:
    """The test before this one finds each of these lines."""
    assert CHOICES.search(line)


def test_the_project_says_who_may_use_it() -> None:
    """The licence in pyproject.toml is the one in LICENSE, and the newest version in the changelog is the project's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "Apache-2.0" == project["license"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").split()[:4] == ["Apache", "License", "Version", "2.0,"]
    (newest, *_) = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest == project["version"]


def test_the_workflow_calls_make() -> None:
    """The usual CI service runs `make lint` and `make test`, on the oldest Python that the project supports."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    runs = [step.get("run") for job in workflow["jobs"].values() for step in job["steps"]]
    assert {"make lint", "make test"} <= set(runs)


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
