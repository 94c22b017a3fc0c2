-- What: claim_anonymous_user goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 65_claim_anonymous_user.sql
-- Locks: none on a table of the application.
DROP FUNCTION public.claim_anonymous_user(text, uuid);
