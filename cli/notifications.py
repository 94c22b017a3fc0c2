"""The address of the notifications, and whether they arrive. The server sends them, so only its events know."""

import http.client
import json
import logging
import ssl
import urllib.error
import urllib.request
from typing import Any

from pydantic import SecretStr

from migration.errors import BadInput, Problem

#: The slug of the type of the block with the address, and the name of the block.
NOTIFICATION = "artwork-notification"
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


def recipient(address: SecretStr | None, api: str) -> str:
    """Return where notifications go, without the address: to the one in the settings, or to the one that the server keeps."""
    if address:
        return "sent to the address in ARTWORK_NOTIFY_URL"
    if _block(api):
        return f"sent to the address that the block {NOTIFICATION} keeps; to end them, delete the block in the UI"
    return "none; ARTWORK_NOTIFY_URL sets an address"


def undelivered(api: str | None, registering: str) -> Problem | None:
    """Return that the newest notification to the present address could not be delivered, and what to do.

    `registering` is the command that saves an address at this server. None if it was delivered, if there is no address, and if the server
    does not respond.
    """
    block = _block(api) if api else None
    newest = _newest_action(api, block) if api and block else None
    if newest is None or newest["event"] == _ENDS[0]:
        return None
    problem = f"that of {newest['occurred'][:16].replace('T', ' ')} UTC could not be delivered. No run was harmed."
    return Problem("notifications", "the newest notification", problem, f"Correct ARTWORK_NOTIFY_URL, then run `{registering}`.")


def _block(api: str) -> dict[str, Any] | None:
    """Return the block with the address, which it hides."""
    return _answer(api, f"/block_types/slug/{NOTIFICATION}/block_documents/name/{NOTIFICATION}")


def _newest_action(api: str, block: dict[str, Any]) -> dict[str, Any] | None:
    """Return the event of the newest notification to the address that the block has had since it was last saved."""
    which = {
        "event": {"name": _ENDS},
        "occurred": {"since": block["updated"]},
        "related": {"id": [f"prefect.block-document.{block['id']}"]},
    }
    answer = _answer(api, "/events/filter", {"filter": {**which, "order": "DESC"}, "limit": 1})
    return next(iter(answer["events"]), None) if answer else None


def _answer(api: str, path: str, question: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """Return what the API answers; None if it does not, or has no such object.

    Prefect's client takes two seconds to import. So it asks only where its settings are needed: a server that asks who we are.
    """
    data = None if question is None else json.dumps(question).encode()
    try:
        request = urllib.request.Request(f"{api}{path}", data, {"Content-Type": "application/json"})  # noqa: S310 (the API's address)
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 (as above)
            answer: dict[str, Any] = json.load(response)
            return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _answer_to_client(api, path, question) if _needs_settings(error) else None


def _needs_settings(error: Exception) -> bool:
    """Whether the server may answer Prefect's client: one with a password, also in its address, or with a certificate of its own."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in (401, 403)
    return isinstance(error, http.client.InvalidURL) or isinstance(getattr(error, "reason", None), ssl.SSLError)


def _answer_to_client(api: str, path: str, question: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what the API answers to Prefect's own client, with its settings (PREFECT_API_AUTH_STRING, PREFECT_API_KEY and the like)."""
    import httpx
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY

    try:
        with SyncPrefectClient(api, auth_string=PREFECT_API_AUTH_STRING.value(), api_key=PREFECT_API_KEY.value()) as client:
            # the type is ignored: it has each path of the API as a literal
            response = client.request("GET" if question is None else "POST", path, json=question)  # type: ignore[arg-type]
            answer: dict[str, Any] = response.json()
            return answer
    except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, ValueError, OSError):
        return None
