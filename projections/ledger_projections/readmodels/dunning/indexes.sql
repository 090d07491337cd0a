-- In the order in which they were sent, of a whole book.
CREATE INDEX reminder_position ON reminder (book, position);
