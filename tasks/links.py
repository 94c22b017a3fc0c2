"""Addresses of pages in the Prefect UI."""

import json
from urllib.parse import quote

from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags, FlowFilter, FlowFilterName
from prefect.settings import PREFECT_UI_URL

from migration.ledger.phases import Verb
from tasks.connection_block import chosen_database
from tasks.steps import if_the_api_responds, in_flow


def key_of(key: str) -> str:
    """Return the key of an artifact with the name of the run's database before it, if that is one of several."""
    return "-".join(filter(None, [chosen_database(), key]))


def artifact_link(key: str) -> str:
    """Return the address of the page of the artifacts with this key; empty without a UI, or if there is none with it."""
    if in_flow() and PREFECT_UI_URL.value():
        with if_the_api_responds("the question for the artifact"):
            full = key_of(key)
            return f"{PREFECT_UI_URL.value()}/artifacts/key/{full}" if Artifact.get(full) else ""
    return ""


def form_link(verb: Verb, plan: str = "") -> str:
    """Return the address of the verb's form with the number of a plan filled in; empty without a UI or a deployment of the verb."""
    if not in_flow() or not PREFECT_UI_URL.value():
        return ""
    database = {"database": chosen_database()} if chosen_database() else {}
    of_verb = FlowFilter(name=FlowFilterName(any_=[verb.name]))
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=["artwork-migration"]))
    with if_the_api_responds("the question for the form"), get_client(sync_client=True) as client:
        # the one for any database: another has a database in its parameters
        deployments = client.read_deployments(flow_filter=of_verb, deployment_filter=ours)
        for deployment in (found for found in deployments if not found.parameters.get("database")):
            filled = quote(quote(json.dumps({**verb.form(plan), **database}), safe=""), safe="")  # the page decodes it twice
            return f"{PREFECT_UI_URL.value()}/deployments/deployment/{deployment.id}/run?parameters={filled}"
    return ""
