# One image for the Prefect server, the registration and the worker; compose.yaml runs them. See docs/prefect.md.
FROM python:3.11-slim

# what `cli/prefect_server.py` sets for the server and its clients
ENV DO_NOT_TRACK=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY=false \
    PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS=false \
    PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT=false \
    PREFECT_SERVER_UI_V2_ENABLED=false \
    PREFECT_SERVER_REGISTER_BLOCKS_ON_START=false \
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30 \
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=120 \
    GX_ANALYTICS_ENABLED=false \
    ARTWORK_REPORTS=/reports

WORKDIR /build
COPY requirements-build.lock requirements.lock ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements-build.lock \
 && uv pip install --system --no-cache --compile-bytecode --no-deps --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY cli cli
COPY flows flows
COPY tasks tasks
COPY expectations expectations
COPY reporting reporting
COPY migration migration
COPY sql sql
COPY sample sample
RUN uv pip install --system --no-cache --compile-bytecode --no-deps --no-build-isolation .

# a new volume at /reports belongs to this user, too
RUN useradd --create-home --uid 10001 migration && install -d -o migration /reports
USER 10001
WORKDIR /reports
CMD ["artwork-migration", "--help"]
