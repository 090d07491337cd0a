-- In the order in which they were opened, of a whole book.
CREATE INDEX dispute_position ON dispute (book, position);
-- The disputes of an invoice.
CREATE INDEX dispute_invoice ON dispute (book, invoice) WHERE invoice IS NOT NULL;
-- What waits for an answer.
CREATE INDEX dispute_open ON dispute (book, position) WHERE state = 'open';
