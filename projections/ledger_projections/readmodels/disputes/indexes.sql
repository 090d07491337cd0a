-- In the order in which they were opened, of a whole book.
CREATE INDEX dispute_position ON dispute (book, position);
-- The disputes of an invoice.
CREATE INDEX dispute_invoice ON dispute (book, invoice) WHERE invoice IS NOT NULL;
-- The queue: what is open, the next deadline first, then who waits longest.
CREATE INDEX dispute_queue ON dispute (book, coalesce(deadline, 'infinity'), opened_at, position) WHERE state = 'open';
-- What the ledger has to act on next, of all books.
CREATE INDEX dispute_acts ON dispute (acts_at, book, customer, dispute) WHERE acts_at IS NOT NULL;
