"""The gates by name, in the order in which a migration judges them."""

from expectations.application_ready import APPLICATION_READY
from expectations.clean_artworks import CLEAN_ARTWORKS
from expectations.legacy_artworks import LEGACY_ARTWORKS
from expectations.moved_customers import MOVED_CUSTOMERS
from expectations.reconciliation import RECONCILIATION
from expectations.users import USERS
from expectations.verification import VERIFICATION

SUITES = {
    suite.name: suite
    for suite in (LEGACY_ARTWORKS, USERS, CLEAN_ARTWORKS, RECONCILIATION, MOVED_CUSTOMERS, APPLICATION_READY, VERIFICATION)
}
