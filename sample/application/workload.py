"""The workload: how often the product makes each kind of job, as weights."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sample.application import new_code, old_code, orders
from sample.application.job import Context, Job

Maker: TypeAlias = Callable[[Context], Job | None]

OLD_CODE: Mapping[Maker, int] = {
    old_code.upload: 16,
    old_code.generate: 24,
    old_code.upscale: 8,
    old_code.rename_pet: 10,
    old_code.rename_customer: 4,
    old_code.make_mockups: 6,
    old_code.renew_token: 4,
    old_code.move_token: 2,
    old_code.swap_tokens: 2,
    old_code.change_email: 4,
    old_code.order: 5,
    old_code.order_and_prolong: 4,
    old_code.delete: 4,
    old_code.change_key: 1,
    orders.sign_up: 5,
    orders.delete_user: 2,
}
NEW_CODE: Mapping[Maker, int] = {
    new_code.create: 16,
    new_code.generate: 30,
    new_code.upscale: 10,
    new_code.rename_pet: 10,
    new_code.rename_customer: 4,
    new_code.renew_token: 4,
    new_code.change_email: 4,
    new_code.order: 5,
    new_code.order_and_prolong: 4,
    new_code.delete: 4,
}


def next_job(context: Context) -> Job | None:
    """Return a job of the old code, or half of the time of the new code if there is a clean table; None if no artwork is free for it."""
    makers = context.chance.choice((OLD_CODE, NEW_CODE)) if context.layout.clean_name else OLD_CODE
    (maker,) = context.chance.choices(list(makers), weights=list(makers.values()))
    return maker(context)
