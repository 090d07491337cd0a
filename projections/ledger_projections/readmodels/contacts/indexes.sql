-- In the order in which they came, of a whole book.
CREATE INDEX contact_position ON contact (book, position);
-- The reports are about days.
CREATE INDEX contact_arrived_on ON contact (book, arrived_on);
-- What waits, or goes on.
CREATE INDEX contact_open ON contact (book, position) WHERE ended_at IS NULL;
-- The notes about a customer, in order.
CREATE INDEX note_position ON note (book, customer, position);
-- Whether a customer's caller is verified.
CREATE INDEX attempt_customer ON attempt (book, customer, position);
