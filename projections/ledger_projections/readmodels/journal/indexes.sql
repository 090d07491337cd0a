-- Made after the bulk of a rebuild: sorting once costs a third of keeping them in order all along.
ALTER TABLE posting ADD PRIMARY KEY (book, position, line);
-- For one customer: a date bounds the range, a position is compared within the index, later rows are never fetched.
CREATE INDEX posting_customer ON posting (customer, book, occurred_on, position);
