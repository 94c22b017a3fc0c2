"""Addresses of pages in the Prefect UI."""

import json
from urllib.parse import quote

from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.settings import PREFECT_UI_URL

from migration.ledger.phases import Verb
from tasks.steps import if_the_api_responds, in_flow


def artifact_link(key: str) -> str:
    """Return the address of the page of the artifacts with this key; empty without a UI, or if there is none with it."""
    if in_flow() and PREFECT_UI_URL.value():
        with if_the_api_responds("the question for the artifact"):
            return f"{PREFECT_UI_URL.value()}/artifacts/key/{key}" if Artifact.get(key) else ""
    return ""


def form_link(verb: Verb, plan: str = "") -> str:
    """Return the address of the verb's form with the number of a plan filled in; empty without a UI or a deployment of the verb."""
    if not in_flow() or not PREFECT_UI_URL.value():
        return ""
    flows = FlowFilter(name=FlowFilterName(any_=[verb.name]))
    with if_the_api_responds("the question for the form"), get_client(sync_client=True) as client:
        for deployment in client.read_deployments(flow_filter=flows, limit=1):
            filled = quote(quote(json.dumps(verb.form(plan)), safe=""), safe="")  # the page decodes it twice
            return f"{PREFECT_UI_URL.value()}/deployments/deployment/{deployment.id}/run?parameters={filled}"
    return ""
