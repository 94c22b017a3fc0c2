"""Where the automations send their notifications, as a Prefect block. The server loads it by the entry point in pyproject.toml."""

from prefect.blocks.notifications import AppriseNotificationBlock
from pydantic import Field, SecretStr


class ArtworkNotification(AppriseNotificationBlock):
    """An address of Apprise: mail, Slack, Teams, a webhook, ntfy and many others. Save it under the name `artwork-notification`."""

    _block_type_name = "Artwork Notification"
    _block_type_slug = "artwork-notification"
    _documentation_url = None  # type: ignore[assignment]  # Prefect's own leads away from this machine

    url: SecretStr = Field(
        title="Address", description="as Apprise writes it, for example mailtos://user:password@host?to=name, slack://…, json://host/path"
    )
