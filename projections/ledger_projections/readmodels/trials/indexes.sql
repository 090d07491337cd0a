-- Who takes part in a trial.
CREATE INDEX assignment_trial ON assignment (book, trial);
-- What a customer was billed.
CREATE INDEX billed_customer ON billed (book, customer, position);
