"""Damage of one row with the rule of a gate that finds it, what keeps such damage out of a shop, and a suite's rules run by hand."""

import sql
from tests.databases import Shop

#: What keeps such damage out of a shop; a rule is there for the day on which it does not.
UNGUARDED = {
    "users": ["ALTER TABLE users ALTER email DROP NOT NULL", "ALTER TABLE users DROP CONSTRAINT users_email_key"],
    "clean_artworks": [
        "ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_pkey",
        "ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_access_token_key",
        "ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_generation_status_check",
        "ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_upscale_status_check",
        "ALTER TABLE artworks_v2 ALTER id DROP NOT NULL, ALTER customer_email DROP NOT NULL, ALTER access_token DROP NOT NULL",
        "ALTER TABLE artworks_v2 DISABLE TRIGGER ALL",
    ],
    "legacy_artworks": [
        "ALTER TABLE artworks DROP CONSTRAINT artworks_pkey CASCADE",
        "ALTER TABLE artworks ALTER id DROP NOT NULL",
        "ALTER TABLE artworks DISABLE TRIGGER ALL",
    ],
}

LEGACY = [
    ("legacy_status_is_known", {"generation_status": "done"}),
    ("legacy_completed_has_image", {"generated_image_url": None}),
    ("legacy_created_at_is_there", {"created_at": None}),
    ("legacy_updated_at_is_there", {"updated_at": None}),
    ("legacy_first_upload_is_url", {"original_image_url": "C:\\fakepath\\mom.jpg"}),
    ("legacy_mom_upload_is_url", {"original_pet_mom_url": "undefined"}),
    ("legacy_pet_upload_is_url", {"original_pet_url": ""}),
    ("legacy_generated_image_is_url", {"generated_image_url": "ftp://images.example/1.jpg"}),
    ("legacy_link_expires", {"token_expires_at": None}),
]
CLEAN = [
    ("clean_email_is_there", {"customer_email": None}),
    ("clean_token_is_there", {"access_token": None}),
    ("clean_token_is_not_parked", {"access_token": "parked:1"}),
    ("generation_status_is_known", {"generation_status": "done"}),
    ("upscale_status_is_known", {"upscale_status": "not_required"}),
    ("completed_has_image", {"generated_image_url": None}),
    ("upscaled_has_image", {"upscale_status": "completed"}),
    ("updated_after_created", {"created_at": "2030-01-01", "updated_at": "2029-12-31"}),
    ("mom_picture_is_url", {"pet_mom_image_url": "undefined"}),
    ("pet_picture_is_url", {"pet_image_url": ""}),
    ("generated_image_is_url", {"generated_image_url": "1.jpg"}),
    ("upscaled_image_is_url", {"upscaled_image_url": "1.png"}),
    ("uploads_are_there", {"pet_image_url": "migrated-missing"}),
]
SOUND = {"token_expires_at": "2030-01-01", "created_at": "2026-01-01", "updated_at": "2026-01-01"}


def run_by_hand(shop: Shop, suite: str) -> None:
    """Run each rule file of a suite as psql does, in a session that cannot write."""
    shop.sql.execute("SET default_transaction_read_only = on; SET search_path = ''")
    for file in sql.folder(f"rules/{suite}"):
        shown = shop.sql.execute((sql.ROOT / f"{file.name}.sql").read_text(encoding="utf-8"))
        assert ["id", "about"] == [column.name for column in shown.description or ()]
        assert shown.nextset()
        assert (shown.fetchone() or (0,))[0] > 0
        assert not shown.nextset()
