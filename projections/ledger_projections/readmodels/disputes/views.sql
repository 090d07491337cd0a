CREATE VIEW standing AS
SELECT d.*, coalesce(d.resolved_at, clock_timestamp()) - d.opened_at AS waiting
FROM dispute d;
COMMENT ON VIEW standing IS 'Disputes and how long the customer waited, or waits still.';
COMMENT ON COLUMN standing.waiting IS 'From the opening until the resolution, or until now.';
