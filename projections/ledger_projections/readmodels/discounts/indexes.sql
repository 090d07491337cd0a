-- In the order in which they began, of a whole book.
CREATE INDEX discount_position ON discount (book, position);
-- Where a customer's discounts were used.
CREATE INDEX discount_use_customer ON discount_use (book, customer, discount, position);
-- What waits for a second person.
CREATE INDEX discount_waiting ON discount (book, position) WHERE requested_at IS NOT NULL AND decision IS NULL AND withdrawn_at IS NULL;
