-- What: require_email, by which a function that may create a user refuses what is no e-mail address.
-- Why: the rule is written once. Looking up takes whatever is stored: legacy data has e-mails with a blank behind them. It touches no
--   table, and the address is in no message.
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
