"""The demo: a made-up year of a small company's billing, posted through HTTP like any other upstream's.

`people` says who the customers are, `diary` is what one of them does in one month, `known` is what the
ledger has answered about them, `story` plays the year against a ledger, `summary` reads back what became of
it. All of it follows from a seed: the same seed leads to the same messages, so a second run records nothing.
`biography` plays one customer's whole life in a book beside that.
"""
