-- In the order in which they were granted, of a whole book.
CREATE INDEX discount_position ON discount (book, position);
-- Where a customer's discounts were used.
CREATE INDEX discount_use_customer ON discount_use (book, customer, discount, position);
