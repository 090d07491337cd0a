-- name: aging
-- One page of customers, and before them the sums of all customers by currency.
SELECT a.customer, a.currency, a.not_due, a.days_1_to_30, a.days_31_to_60, a.days_61_to_90, a.days_over_90, a.disputed,
    a.total
FROM (
    SELECT NULL AS customer, t.currency, sum(t.not_due) AS not_due, sum(t.days_1_to_30) AS days_1_to_30,
        sum(t.days_31_to_60) AS days_31_to_60, sum(t.days_61_to_90) AS days_61_to_90,
        sum(t.days_over_90) AS days_over_90, sum(t.disputed) AS disputed, sum(t.total) AS total
    FROM reports.aging_as_of(
        %(book)s, %(upto)s, NULL, %(day)s::date, %(instant)s::timestamptz, %(customer)s, %(today)s::date) AS t
    GROUP BY t.currency
    UNION ALL
    (SELECT * FROM reports.aging_as_of(
        %(book)s, %(upto)s, NULL, %(day)s::date, %(instant)s::timestamptz, %(customer)s, %(today)s::date) AS c
    WHERE (c.customer, c.currency) > (%(after_customer)s::text, %(after_currency)s::text)
    ORDER BY c.customer, c.currency LIMIT %(limit)s)
) AS a
ORDER BY a.customer NULLS FIRST, a.currency;

-- name: revenue
-- Months, services and currencies, in this order.
SELECT r.month, r.service, r.currency, r.recognised, r.discounts, r.credited, r.net
FROM reports.revenue_as_of(%(book)s, %(upto)s, NULL, %(day)s::date, %(instant)s::timestamptz) AS r
WHERE r.month >= coalesce(%(from)s::date, '-infinity') AND r.month <= coalesce(%(through)s::date, 'infinity')
    AND r.service = coalesce(%(service)s, r.service)
    AND (r.month, r.service, r.currency) > (%(after_month)s::date, %(after_service)s::text, %(after_currency)s::text)
ORDER BY r.month, r.service, r.currency LIMIT %(limit)s;

-- name: tax
-- Months, categories, rates and currencies, in this order.
SELECT t.month, t.category, t.rate::text AS rate, t.currency, t.base, t.tax, t.credited_base, t.credited_tax,
    t.relieved_base, t.relieved_tax, t.payable
FROM reports.tax_as_of(%(book)s, %(upto)s, NULL, %(day)s::date, %(instant)s::timestamptz) AS t
WHERE t.month >= coalesce(%(from)s::date, '-infinity') AND t.month <= coalesce(%(through)s::date, 'infinity')
    AND (t.month, t.category, t.rate, t.currency)
        > (%(after_month)s::date, %(after_category)s::text, %(after_rate)s::numeric, %(after_currency)s::text)
ORDER BY t.month, t.category, t.rate, t.currency LIMIT %(limit)s;
