CREATE VIEW overview AS
SELECT c.*, a.events, a.charges, a.invoices, a.credit_notes, a.payments, a.disputes, a.last_occurred_at, a.last_position
FROM customer c JOIN activity a ON a.book = c.book AND a.customer = c.customer;
COMMENT ON VIEW overview IS 'Customers with their terms and how much happened with them.';
