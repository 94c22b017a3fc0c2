"""What becomes of customers without an account where no users are created, as the plan and the report say it."""

WITHOUT_ACCOUNT = (
    "The rows of that table come with a sign-up, so the migration reads none of them and creates none. An artwork without an owner stays "
    "without one. Its customer reaches it by link (`get_artwork_by_token`), and your server finds it by e-mail (`get_customer_artworks`). "
    "When the customer signs up, `claim_anonymous_user` gives the artworks of the e-mail that have no owner to the new account. "
    "An artwork that has an owner keeps it."
)
