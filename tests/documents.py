"""The documents that users read, and the commands in them."""

import re
import shlex
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Every document by its path in the repository: the README first.
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted(ROOT.glob("[!R]*.md")), *sorted((ROOT / "docs").glob("*.md"))]
}
README, RUNBOOK = DOCUMENTS["README.md"], DOCUMENTS["docs/runbook.md"]
PROGRAM = "artwork-migration "


def commands(text: str) -> list[str]:
    """Return the lines of the text's `sh` blocks, also of those that belong to an item of a list."""
    blocks = re.findall(r"^( *)```sh\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [line for _, block in blocks for line in textwrap.dedent(block).splitlines() if line.strip()]


def section(text: str, heading: str) -> str:
    """Return what is below a heading of the second level, up to the next one."""
    return re.split(r"^## ", text.split(f"\n## {heading}\n", maxsplit=1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def words_of(command: str) -> list[str]:
    """Return the arguments of the program, without its name."""
    return shlex.split(command.removeprefix(PROGRAM))


def account_shown() -> dict[str, int]:
    """Return the account of the legacy rows in the README, heading by heading, without its sum."""
    (block,) = re.findall(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^  (\S.*?)  +([\d,]+)$", block, re.MULTILINE)
    return {heading: int(count.replace(",", "")) for heading, count in rows[:-1]}


#: Every command line that a document shows.
COMMANDS = [command for text in DOCUMENTS.values() for command in commands(text)]
#: What an operator types to clean up, the decision that it needs among it.
CLEAN_UP = commands(section(RUNBOOK, "clean-up"))
