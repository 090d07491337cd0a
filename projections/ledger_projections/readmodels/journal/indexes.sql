-- Made after the bulk of a rebuild: sorting once costs a third of keeping them in order all along.
ALTER TABLE posting ADD PRIMARY KEY (book, position, line);
-- For one customer: a position bounds the range, so that what was recorded later is not even passed by; a date is compared
-- within the index. Who asks as of a position joins the names of customer and book (OFFSET 0): a planner who knows whom it
-- is about, and believes their postings to be spread evenly over the book, would read all of the book up to there.
CREATE INDEX posting_customer ON posting (customer, book, position, occurred_on);
