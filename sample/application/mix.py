"""Which job next: the product's mix, as weights."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sample.application import clean_side, legacy_side, orders
from sample.application.job import Desk, Job
from sample.entry import Side

Maker: TypeAlias = Callable[[Desk], Job | None]

MIX: Mapping[Side, Mapping[Maker, int]] = {
    Side.LEGACY: {
        legacy_side.upload: 16,
        legacy_side.generate: 24,
        legacy_side.upscale: 8,
        legacy_side.rename_pet: 10,
        legacy_side.rename_customer: 4,
        legacy_side.make_mockups: 6,
        legacy_side.renew_token: 4,
        legacy_side.move_token: 2,
        legacy_side.swap_tokens: 2,
        legacy_side.change_email: 4,
        legacy_side.order: 5,
        legacy_side.order_and_prolong: 4,
        legacy_side.delete: 4,
        legacy_side.change_key: 1,
        orders.sign_up: 5,
        orders.delete_user: 2,
    },
    Side.CLEAN: {
        clean_side.create: 16,
        clean_side.generate: 30,
        clean_side.upscale: 10,
        clean_side.rename_pet: 10,
        clean_side.rename_customer: 4,
        clean_side.renew_token: 4,
        clean_side.change_email: 4,
        clean_side.order: 5,
        clean_side.order_and_prolong: 4,
        clean_side.delete: 4,
    },
}


def next_job(desk: Desk) -> Job | None:
    """On each side half of the time, where there are two. None: nothing fits or everything is held; ask again."""
    sides = desk.layout.sides
    if not sides:
        return None
    makers = MIX[desk.chance.choice(sides)]
    (maker,) = desk.chance.choices(list(makers), weights=list(makers.values()))
    return maker(desk)
