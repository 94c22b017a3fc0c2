"""The description of a verb: one text for the command line and for the Prefect UI."""

import inspect


def description(docstring: str | None) -> str:
    """Return a flow's docstring without its parameters, one line for each paragraph: the UI shows a line as a paragraph."""
    text, _, _ = inspect.cleandoc(docstring or "").partition("\n\nArgs:")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
