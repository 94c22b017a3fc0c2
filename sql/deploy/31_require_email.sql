-- What: require_email, by which every function that takes an e-mail refuses what is none.
-- Why: the rule is written once. It touches no table, and the address is in no message.
-- Inverse: 31_require_email.undo.sql
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE FUNCTION public.require_email(caller text, customer_email text) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT public.raise_error('22023', require_email.caller || ': customer_email must be an e-mail address')
  WHERE COALESCE(require_email.customer_email, '') !~ '^[^@\s]+@[^@\s]+$';
END;
