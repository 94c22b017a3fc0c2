-- What: require_email goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 31_require_email.sql
-- Locks: none on a table of the application.
DROP FUNCTION public.require_email(text, text);
