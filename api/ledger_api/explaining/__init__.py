"""Explaining: what was recorded when an invoice was made, laid out as parts that sum to it and told in words.

`facts` is what the log and the read models say; `invoices`, `changes` and `balances` lay it out; `telling`
writes the sentences. Nothing here works out a price, a discount or a tax: those were recorded while they
were worked out.
"""
