"""Which message leads to what, and what each event changes: the table of all types.

`decide` is the only way from a message to events and `evolve_customer` / `evolve_book` the only way from events to
state. They touch no database and no clock. Each noun's own module holds its shapes and rules; here they are only
listed.
"""
