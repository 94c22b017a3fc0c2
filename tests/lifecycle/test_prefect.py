"""What would break in silence with another set of packages."""

from datetime import timedelta

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import IntervalSchedule

from cli.prefect_server import PrefectServer
from tests.waiting import wait_until


def test_filters_with_nulls_are_answered(prefect_server: PrefectServer) -> None:
    """The server answers a filter with nulls; with newer releases of FastAPI it is 422, and `prefect deploy --all` stops half-way."""
    answer = httpx.post(f"{prefect_server.api_url}/deployments/filter", json={"limit": None})
    assert answer.status_code == 200


def test_a_schedule_gets_its_runs(prefect_server: PrefectServer) -> None:
    """The server creates the runs of a schedule; with SQLAlchemy 2.1 it looks healthy and never does, so nothing would be verified."""
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow_from_name("scheduled-in-a-test")
        deployment_id = client.create_deployment(flow_id=flow_id, name="each-hour", paused=False)
        client.create_deployment_schedules(deployment_id, [(IntervalSchedule(interval=timedelta(hours=1)), True)])
        of_it = {
            "flow_run_filter": FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id])),
            "deployment_filter": DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])),
        }
        wait_until(lambda: client.read_flow_runs(**of_it), every=0.5)
        runs = client.read_flow_runs(**of_it)
        client.delete_deployment(deployment_id)
    assert {run.state_type for run in runs} == {StateType.SCHEDULED}
