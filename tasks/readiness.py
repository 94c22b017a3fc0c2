"""The step that reads which statements of the application name what vanishes."""

from migration.checks import readiness
from tasks.steps import forward

read_use = forward("read the use of old names", readiness.read_use, "{}")
