"""Addresses of pages in the Prefect UI."""

import json
from urllib.parse import quote

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.settings import PREFECT_UI_URL

from migration.plans.plan import Plan
from tasks.artifacts import if_the_api_responds
from tasks.steps import in_flow


def approval_link(plan: Plan) -> str:
    """Return the address of the verb's form with the plan's number filled in; empty without a UI or a deployment of the verb."""
    target = {"to": str(plan.verb.brings)} if plan.verb.takes_target else {}
    return form_link(plan.verb.name, {**target, "plan": plan.number})


def form_link(verb: str, parameters: dict[str, str]) -> str:
    """Return the address of the form of a verb with these parameters filled in; empty without a UI or a deployment of the verb."""
    if not in_flow() or not PREFECT_UI_URL.value():
        return ""
    flows = FlowFilter(name=FlowFilterName(any_=[verb.replace("_", "-")]))
    with if_the_api_responds("the question for the form"), get_client(sync_client=True) as client:
        for deployment in client.read_deployments(flow_filter=flows, limit=1):
            filled = quote(quote(json.dumps(parameters), safe=""), safe="")  # the page decodes it twice
            return f"{PREFECT_UI_URL.value()}/deployments/deployment/{deployment.id}/run?parameters={filled}"
    return ""
