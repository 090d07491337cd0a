"""Documents that a customer gets: invoice, credit note and statement, as HTML, as PDF and as e-invoice.

`content` says what stands on a document, in the words of one language; `html` and `pdf` set it, and neither
computes anything. `einvoice` says the same to programs.
"""
