-- Churn and growth are asked for by date.
CREATE INDEX customer_opened ON customer (book, opened_at);
