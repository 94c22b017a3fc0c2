-- What: require_email: a function that may create a user refuses a value that is not an e-mail address.
-- Why: the rule is written once. Functions that only search accept any stored value: legacy data has e-mails with trailing blanks. It reads
--   no table, and its message does not contain the address.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE FUNCTION public.require_email(caller text, customer_email text) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT public.raise_error('22023', require_email.caller || ': customer_email must be an e-mail address')
  WHERE COALESCE(require_email.customer_email, '') !~ '^[^@\s]+@[^@\s]+$';
END;

-- Undo:
DROP FUNCTION public.require_email(text, text);
