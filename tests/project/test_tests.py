"""The tests themselves: each stands alone and says what it proves."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
MODULES = {path.relative_to(TESTS).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.rglob("*.py"))}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every test, under the path of its module and its name."""
    for path, module in MODULES.items():
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path}::{node.name}", node


def test_no_test_module_is_imported() -> None:
    """What several modules of tests use is in a module of helpers, so that a module of tests can be read and moved alone."""
    imports = {
        (path, node.module)
        for path, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests.")
    }
    assert len(imports) > 100
    assert set() == {(path, name) for path, name in imports if name.rsplit(".", 1)[1].startswith("test_")}


def test_each_test_states_a_fact() -> None:
    """The docstring of a test begins with a sentence of six words or more that ends with a full stop."""
    first_lines = {name: (ast.get_docstring(node) or "").split("\n\n", maxsplit=1)[0] for name, node in functions()}
    assert len(first_lines) > 500
    assert {} == {name: line for name, line in first_lines.items() if len(line.split()) < 6 or not line.endswith(".")}
