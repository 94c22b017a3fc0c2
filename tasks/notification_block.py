"""Where the automations send their notifications, as a Prefect block. The server loads it by the entry point in pyproject.toml."""

from typing import Any

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

    def notify(self, body: str, subject: str | None = None) -> Any:
        """Send a message. The subject may begin with the type of the message: `failure: ` or `warning: `."""
        kind, _, rest = (subject or "").partition(": ")
        if kind in {"failure", "warning"}:
            self.notify_type, subject = kind, rest  # type: ignore[assignment]  # it is one of the two
        return super().notify(body, subject)
