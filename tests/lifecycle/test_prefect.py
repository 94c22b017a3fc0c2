"""What would break in silence with another set of packages, and the deployments as a worker runs them."""

from datetime import timedelta
from pathlib import Path

import httpx
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.deployments import run_deployment

from cli.prefect_server import PrefectServer
from tests.lifecycle.worker import deployed_with_worker
from tests.shops import Shop
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


def test_filters_with_nulls_are_answered(prefect_server: PrefectServer) -> None:
    """Newer releases of FastAPI answer every such filter with 422, and `prefect deploy --all` stops after its first deployment."""
    answer = httpx.post(f"{prefect_server.api_url}/deployments/filter", json={"limit": None})
    assert answer.status_code == 200


def test_a_schedule_gets_its_runs(prefect_server: PrefectServer) -> None:
    """With SQLAlchemy 2.1 the server looks healthy and never schedules a run; scheduled verification would never happen."""
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


def test_the_deployments_run_on_a_worker(prefect_server: PrefectServer, operated: Shop, tmp_path: Path) -> None:
    """`prefect deploy --all` takes every deployment of prefect.yaml, and a worker runs 1-deploy-schema to Planned."""
    with deployed_with_worker(prefect_server, tmp_path / "worker.log"):
        run = run_deployment("deploy-schema/1-deploy-schema", timeout=120, poll_interval=1)
    assert run.state is not None
    assert run.state.name == "Planned", (tmp_path / "worker.log").read_text()[-2000:]
    with get_client(sync_client=True) as client:
        deployments = {deployment.name: deployment for deployment in client.read_deployments()}
    assert {entry["name"] for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]} <= set(deployments)
    assert [(True, "0 3 * * *")] == [(one.active, getattr(one.schedule, "cron", "")) for one in deployments["verify"].schedules]
