"""What a superuser finds with SQL of its own, which reads none of our tables and views and is filtered by no policy."""

from tests.databases import Shop

#: What the strategy migrates, in the words of its own WHERE clause, and rows that an order keeps.
STRATEGY = """
SELECT a.id, a.customer_name, a.customer_email, a.pet_name, a.generated_image_url, a.access_token, a.token_expires_at, a.created_at
FROM {legacy} AS a
WHERE a.customer_email IS NOT NULL AND a.access_token IS NOT NULL AND a.original_image_url NOT LIKE 'test-%%'
  AND a.generation_status = 'completed'
"""
DIFFERING = f"""
SELECT COUNT(*) FROM ({STRATEGY}) AS l
LEFT JOIN {{clean}} AS c ON c.id = l.id
WHERE (l.customer_name, l.customer_email, l.pet_name, l.generated_image_url, l.access_token, l.token_expires_at, l.created_at)
  IS DISTINCT FROM
  (c.customer_name, c.customer_email, c.pet_name, c.generated_image_url, c.access_token, c.token_expires_at, c.created_at)
"""


def lost_orders(shop: Shop) -> int:
    """The number of orders whose artwork is not in the serving table."""
    found: int = shop.value(
        "SELECT COUNT(*) FROM public.orders AS o"
        " WHERE o.artwork_id IS NOT NULL AND NOT EXISTS (SELECT FROM public.artworks AS a WHERE a.id = o.artwork_id)"
    )
    return found


def differing_rows(shop: Shop, *, legacy: str = "public.artworks_old", clean: str = "public.artworks") -> int:
    """The number of rows that the strategy migrates and that are not in the clean table with the same values."""
    found: int = shop.value(DIFFERING.format(legacy=legacy, clean=clean).replace("%%", "%"))
    return found
