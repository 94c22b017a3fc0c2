"""The registration at a Prefect server: the work pool, the types of our blocks, the deployments, the automations."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from httpx import HTTPError, HTTPStatusError, InvalidURL, TransportError, codes
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound, PrefectException
from pydantic import SecretStr

from cli.notifications import NOTIFICATION
from cli.prefect_server import without_password
from cli.worker import POOL
from migration.errors import MigrationError
from migration.settings import BLOCK
from tasks.connection_block import ArtworkDatabase
from tasks.notification_block import ArtworkNotification

#: Where the packages are: a checkout, or what a wheel was installed into.
ROOT = Path(__file__).parents[1]


class NotRegistered(MigrationError):
    """Not everything could be registered. What is registered stays, and the next registration does the rest."""

    end = "Not registered"

    def __init__(self, cause: str, fix: str = "correct the address or start the server") -> None:
        super().__init__(
            f"Not everything could be registered at the Prefect server in PREFECT_API_URL. {cause}\nNo data was changed. To fix: {fix},"
            " then run `artwork-migration register` again, or `up` if it is its server; it does the rest."
        )


class OtherVersion(ValueError):
    """The server has another major version of Prefect. The text says which, and has no address."""


#: The errors of Prefect's client, and those of reading the answer of something that is no Prefect server.
CLIENT_ERRORS = (HTTPError, InvalidURL, PrefectException, RuntimeError, ValueError, TypeError)


def unusable(error: Exception) -> tuple[str, str]:
    """Return why the server that raised this error cannot be used, and how to fix it. The error's own text may have a password."""
    if isinstance(error, TransportError) or isinstance(error.__cause__, TransportError):
        return "it does not respond.", "correct the address or start the server"
    if isinstance(error, HTTPStatusError) and error.response.status_code in (401, 403):
        return "it does not accept this client.", "set PREFECT_API_AUTH_STRING or PREFECT_API_KEY to what the server asks for"
    if isinstance(error, OtherVersion):
        return str(error), "give the address of a server of this version"
    return f"it is not a Prefect server that can be used ({type(error).__name__}).", "correct the address or start the server"


def server_version(client: SyncPrefectClient) -> str:
    """Return the version of Prefect that the server has. Raises OtherVersion, or one of CLIENT_ERRORS."""
    server, own = client.api_version(), client.client_version().partition(".")[0]
    if not re.fullmatch(r"\d+\.[\w.+-]{1,40}", server):
        raise ValueError("no version")
    if server.partition(".")[0] != own:
        raise OtherVersion(f"it has Prefect {server}, and this program uses Prefect {own}.")
    return server


def register(notify_url: SecretStr | None = None) -> list[str]:
    """Register what is missing, update the deployments, and return their names. Raises NotRegistered."""
    try:
        with get_client(sync_client=True) as client:
            server_version(client)
            _register_pool(client)
            ArtworkDatabase.register_type_and_schema()
            ArtworkNotification.register_type_and_schema()
            register_automations(client, notify_url)
            with _pauses_kept(client):
                _deploy(databases(client))
            return sorted(deployment.name for deployment in _ours(client))
    except CLIENT_ERRORS as error:
        cause, fix = unusable(error)
        raise NotRegistered(cause[0].upper() + cause[1:], fix) from None


def _register_pool(client: SyncPrefectClient) -> None:
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description="Runs the deployments of artwork-migration."))


def databases(client: SyncPrefectClient) -> list[str]:
    """Return the names of the blocks with a database, except the one that is taken without a name."""
    try:
        blocks = client.read_block_documents_by_type(ArtworkDatabase.get_block_type_slug(), include_secrets=False)
    except HTTPStatusError as error:
        if error.response.status_code != codes.NOT_FOUND:  # the type is not registered yet
            raise
        return []
    return sorted(block.name for block in blocks if block.name and block.name != BLOCK)


def _keep_address(url: SecretStr | None) -> None:
    """Keep the address of the notifications in its block, which hides it. Without one, the block stays as it is."""
    if url is None:
        return
    ArtworkNotification(url=url).save(NOTIFICATION, overwrite=True)


def automations(client: SyncPrefectClient) -> list[AutomationCore]:
    """Return the automations of `cli/automations.yaml`, some of them once more for each named database.

    Those that notify are among them only if there is an address.
    """
    try:
        block = client.read_block_document_by_name(NOTIFICATION, ArtworkNotification.get_block_type_slug()).id
    except ObjectNotFound:
        block = None
    declared = yaml.safe_load((ROOT / "cli" / "automations.yaml").read_text(encoding="utf-8"))
    for action in (action for entry in declared if _notifies(entry) for action in entry["actions"]):
        action["block_document_id"] = block
    named = [_about(name, entry) for entry in declared if entry.pop("each_database", False) for name in databases(client)]
    return [AutomationCore.model_validate(entry) for entry in [*declared, *named] if block or not _notifies(entry)]


def _about(database: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the automation for the runs about this database alone, whose names end in it."""
    trigger = {**entry["trigger"], "match": {**entry["trigger"]["match"], "prefect.resource.name": f"* @ {database}"}}
    actions = [{**action, "subject": f"{action['subject']} @ {database}"} for action in entry["actions"]]
    return {**entry, "name": f"{entry['name']} @ {database}", "trigger": trigger, "actions": actions}


def _notifies(entry: Mapping[str, Any]) -> bool:
    return any(action["type"] == "send-notification" for action in entry["actions"])


def register_automations(client: SyncPrefectClient, notify_url: SecretStr | None) -> None:
    """Keep the address, and create the automations that are missing.

    An existing automation may have changes of an operator, and watches runs already. Only a block that was deleted is replaced in it.
    """
    _keep_address(notify_url)
    for automation in automations(client):
        existing = client.read_automations_by_name(automation.name)
        for found in existing:
            _replace_deleted_block(client, found, automation)
        if not existing:
            client.create_automation(automation)


def _replace_deleted_block(client: SyncPrefectClient, found: Automation, declared: AutomationCore) -> None:
    block = next((action.block_document_id for action in declared.actions if isinstance(action, SendNotification)), None)
    deleted = [action for action in found.actions if isinstance(action, SendNotification) and not _exists(client, action.block_document_id)]
    if block and deleted:
        for action in deleted:
            action.block_document_id = block
        client.update_automation(found.id, AutomationCore.model_validate(found.model_dump(exclude={"id", "owner_resource"})))


def _exists(client: SyncPrefectClient, block: UUID) -> bool:
    try:
        client.read_block_document(block)
    except ObjectNotFound:
        return False
    return True


@contextmanager
def _pauses_kept(client: SyncPrefectClient) -> Iterator[None]:
    """Keep paused deployments paused: Prefect resumes each one that it updates. It keeps a schedule whose `active` the file omits."""
    paused = [deployment.id for deployment in _ours(client) if deployment.paused]
    try:
        yield
    finally:
        for deployment in paused:
            client.pause_deployment(deployment)


def _ours(client: SyncPrefectClient) -> list[Any]:
    """Return our deployments; the server may have others."""
    return client.read_deployments(deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=["artwork-migration"])))


def verification_of(database: str) -> str:
    """Return the name of the deployment that verifies a named database each day.

    It is a deployment and not a schedule with a parameter: to pause or resume a schedule in the UI deletes its parameters.
    """
    return f"verify-{database}"


def _declared(databases: Sequence[str]) -> dict[str, Any]:
    """Return what is to be deployed: `flows/prefect.yaml`, with one `verify` more for each named database."""
    declared: dict[str, Any] = yaml.safe_load((ROOT / "flows" / "prefect.yaml").read_text(encoding="utf-8"))
    (verify,) = (deployment for deployment in declared["deployments"] if deployment["name"] == "verify")
    for name in databases:
        tags = [*verify["tags"], f"database:{name}"]
        declared["deployments"].append({**verify, "name": verification_of(name), "parameters": {"database": name}, "tags": tags})
    return declared


def _deploy(databases: Sequence[str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump(_declared(databases), file)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", file.name],
            env={**os.environ, "ARTWORK_MIGRATION_HOME": str(ROOT)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise NotRegistered(f"The end of Prefect's output:\n{without_password(done.stdout + done.stderr)[-2000:]}")
