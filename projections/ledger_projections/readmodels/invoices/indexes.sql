-- In the order in which they were issued, of a whole book.
CREATE INDEX invoice_position ON invoice (book, position);
ALTER TABLE invoice_line ADD PRIMARY KEY (book, invoice, line);
-- A customer's invoices in the order in which they were issued.
CREATE INDEX invoice_customer ON invoice (book, customer, position);
-- An invoice's allocations, in order. A payment's are found through the customer's invoices.
ALTER TABLE allocation ADD PRIMARY KEY (book, invoice, position);
ALTER TABLE holding ADD PRIMARY KEY (book, invoice, dispute, position);
CREATE INDEX credit_note_invoice ON credit_note (book, invoice);
CREATE INDEX credit_note_customer ON credit_note (book, customer, position);
-- What was given up of an invoice, in order.
CREATE INDEX debt_invoice ON debt (book, invoice, position);
