"""The address of the notifications, and whether they arrive. The server sends them, so only its events know."""

import http.client
import json
import logging
import urllib.request
from typing import Any

from pydantic import SecretStr

from migration.errors import BadInput, Problem

_ENDS = [f"prefect.automation.action.{end}" for end in ("executed", "failed")]


def require_readable(address: SecretStr | None) -> None:
    """Raise BadInput, without the address, if there is one that Apprise cannot read."""
    if address is None:
        return
    from apprise import Apprise  # a third of a second

    logging.getLogger("apprise").disabled = True  # it would print the address
    if not Apprise().add(address.get_secret_value()):
        raise BadInput(
            "ARTWORK_NOTIFY_URL cannot be read. Nothing was changed. To fix: write it as Apprise does, for example "
            "mailtos://user:password@host?to=name or json://host/path."
        )


def undelivered(api: str | None) -> Problem | None:
    """Return that the newest notification could not be delivered, and what to do; None if it was, or the server does not respond."""
    if not api:
        return None
    newest = next((event for event in _ended_actions(api) if event["payload"].get("action_type") == "send-notification"), None)
    if newest is None or newest["event"] == _ENDS[0]:
        return None
    problem = f"that of {newest['occurred'][:16].replace('T', ' ')} UTC could not be delivered. No run was harmed."
    return Problem("notifications", "the newest notification", problem, "Correct ARTWORK_NOTIFY_URL, then run `artwork-migration up`.")


def _ended_actions(api: str) -> list[dict[str, Any]]:
    question = json.dumps({"filter": {"event": {"name": _ENDS}, "order": "DESC"}, "limit": 50}).encode()
    request = urllib.request.Request(f"{api}/events/filter", question, {"Content-Type": "application/json"})  # noqa: S310 (the API's address)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 (as above)
            events: list[dict[str, Any]] = json.load(response)["events"]
            return events
    except (OSError, http.client.HTTPException, ValueError):
        return []
