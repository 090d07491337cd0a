-- In the order in which they came, of a whole book.
CREATE INDEX contact_position ON contact (book, position);
-- The reports are about days.
CREATE INDEX contact_arrived_on ON contact (book, arrived_on);
-- What waits, or goes on.
CREATE INDEX contact_open ON contact (book, position) WHERE ended_at IS NULL;
