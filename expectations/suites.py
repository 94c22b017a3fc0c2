"""The gates by name."""

from expectations.clean_artworks import CLEAN_ARTWORKS
from expectations.legacy_artworks import LEGACY_ARTWORKS
from expectations.live import LIVE
from expectations.reconciliation import RECONCILIATION
from expectations.users import USERS

SUITES = {suite.name: suite for suite in (LEGACY_ARTWORKS, USERS, CLEAN_ARTWORKS, RECONCILIATION, LIVE)}
