CREATE VIEW trial_balance AS
SELECT t.book, t.currency, sum(t.debit) AS debit, sum(t.credit) AS credit, sum(t.balance) AS difference
FROM account_total t GROUP BY t.book, t.currency;
COMMENT ON VIEW trial_balance IS 'Whether the books balance: one row a book and currency, and the difference is zero.';
COMMENT ON COLUMN trial_balance.book IS 'The book.';
COMMENT ON COLUMN trial_balance.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN trial_balance.debit IS 'Sum of all debits in minor units.';
COMMENT ON COLUMN trial_balance.credit IS 'Sum of all credits, as a positive number.';
COMMENT ON COLUMN trial_balance.difference IS 'debit - credit: zero, always.';
