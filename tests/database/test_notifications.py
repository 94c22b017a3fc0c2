"""PostgREST hears of every change of names and functions, or it would go on answering with those of before."""

from collections.abc import Callable

from tests.databases import Shop, deploy, execute_clean_up, make_ready, migrate, roll_back, switch, uninstall
from tests.series import EXHAUSTIVE


@EXHAUSTIVE
def test_postgrest_is_notified_whenever_the_schema_changes(shop: Shop) -> None:
    """Each verb that changes the schema notifies PostgREST once, at its commit, and no other verb does."""
    listener = shop.session(autocommit=True)
    listener.execute("LISTEN pgrst")

    def told(verb: Callable[[Shop], object]) -> list[str]:
        verb(shop)
        return [heard.payload for heard in listener.notifies(timeout=10, stop_after=1)]

    assert [["reload schema"]] * 3 == [told(deploy), told(uninstall), told(deploy)]
    migrate(shop)
    assert [["reload schema"]] * 3 == [told(switch), told(roll_back), told(switch)]
    make_ready(shop)
    assert ["reload schema"] == told(execute_clean_up)
    assert [] == list(listener.notifies(timeout=0))
