"""A pool of people from many countries. The server combines them to any number of customers."""

import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from faker import Faker

LOCALES = (
    "en_US", "en_GB", "es_MX", "fr_FR", "de_DE", "pt_BR", "pl_PL", "tr_TR", "cs_CZ", "vi_VN",
    "sv_SE", "ru_RU", "uk_UA", "el_GR", "he_IL", "ar_AA", "fa_IR", "hi_IN", "ja_JP", "ko_KR", "zh_CN",
)  # fmt: skip
FAMILY_NAME_FIRST = frozenset({"ja_JP", "ko_KR", "zh_CN"})
PEOPLE_PER_LOCALE = 100
DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "bücher.example", "例え.example")
PETS = (
    "Buddy", "Max", "Luna", "Bella", "Princess Leia", "Señor Bigotes", "Mönchen", "Žofka", "O'Malley", 'Dwayne "The Dog"',
    "Mr. & Mrs. Paws", "Барсик", "Ζήνων", "كيتي", "שוקו", "ポチ", "小白", "나비", "मोती", "🐶", "Rex 🦴", "👩‍🦰🐈", "Back\\slash",
    "100% good; -- DROP", "  Blanks  ", "Zalg͋o", "Nul␀", "Ünï-çödé", "Tab\there", "Very long name " * 6,
)  # fmt: skip
FLOURISHES = (" 🎨", " “Sam”", " 'Jo'", ' "Bud"', " (mom)", "-O'Neil", " 👨‍👩‍👧", "\u200f", " né\u0301e", " \\")


class Person(NamedTuple):
    """One person. `left` and `right` of two people of one locale make a name, in the order that is usual there."""

    number: int
    locale: int
    left: str
    right: str
    mailbox: str
    domain: str
    pet: str


@cache
def people(seed: int) -> tuple[Person, ...]:
    """Return the same people for the same seed."""
    return tuple(person for place, locale in enumerate(LOCALES) for person in _people_of(place, locale, seed))


def _people_of(place: int, locale: str, seed: int) -> Iterator[Person]:
    faker = Faker(locale)
    faker.seed_instance(f"{seed}/{locale}")
    chance = random.Random(f"{seed}/{locale}/flourish")
    for number in range(place * PEOPLE_PER_LOCALE, (place + 1) * PEOPLE_PER_LOCALE):
        first, last = faker.first_name(), faker.last_name()
        flourish = chance.choice(FLOURISHES) if chance.random() < 0.05 else ""
        left, right = (last, first + flourish) if locale in FAMILY_NAME_FIRST else (first + " ", last + flourish)
        mailbox = faker.user_name() if chance.random() < 0.97 else chance.choice(("josé", "o'brien", "用户", "имя+tag"))
        yield Person(number, place, left, right, mailbox, chance.choice(DOMAINS), chance.choice(PETS))
