"""What the codes of this interface mean; those of the rules of billing are `ledger.refusals`.

A test holds this table to the codes that the interface can answer with.
"""

from __future__ import annotations

from collections.abc import Mapping

PROBLEM_CODES: Mapping[str, str] = {
    "as_of_in_future": "A moment was asked for that the log has not come to yet.",
    "as_of_not_answered": "What this address tells is of no moment of a book, or the parameter is misspelt.",
    "batch_too_large": "More messages in one body than are judged together.",
    "body_empty": "A body is needed here, and it is empty.",
    "body_incomplete": "The connection ended before the body did.",
    "body_too_large": "The body, or one line of it, is longer than is read.",
    "book_malformed": "No book is written like this.",
    "body_unexpected": "A body was sent to an address that takes none.",
    "book_not_allowed": "The API key opens another book.",
    "book_unknown": "There is no such book.",
    "credit_note_unknown": "There is no such credit note.",
    "customer_unknown": "There is no such customer.",
    "entry_too_long": "An event is longer than a bundle of entries can hold; the feed has it.",
    "dispute_unknown": "The customer has no such dispute.",
    "event_unknown": "The log has no such position yet.",
    "invoice_unknown": "There is no such invoice.",
    "evidence_not_stored": "No such file is stored for the customer: put it first.",
    "evidence_unknown": "No such file is kept.",
    "header_repeated": "A header that may stand once stands several times.",
    "internal_error": "The ledger failed; its log has the reason under the request's id.",
    "json_malformed": "The body is not a JSON array.",
    "key_missing": "No API key was sent.",
    "key_unknown": "The API key does not work, or does not work any more.",
    "media_type_unsupported": "The body is of a type that is not read here.",
    "method_not_allowed": "The address takes other methods.",
    "not_found": "There is nothing at this address.",
    "not_signed_yet": "No checkpoint covers this yet; ask for the checkpoint first.",
    "nothing_on_record": "What the caller would be reached by is not known of the person.",
    "page_unknown": "The page token is not of this list with these filters.",
    "parameter_malformed": "A parameter is not written as it should be.",
    "parameter_repeated": "A parameter stands twice.",
    "parameter_unknown": "The address takes no such parameter.",
    "parameters_exclusive": "Two parameters were given of which only one can count.",
    "person_erased": "The customer's personal data was erased for good.",
    "position_not_reached": "The read models did not come to the wanted position in time; ask again.",
    "rate_limited": "Too many messages of this API key are waiting; send them again a little later.",
    "read_model_unknown": "There is no such read model.",
    "reason_malformed": "The reason for looking is not written as it should be.",
    "reason_missing": "Personal data is not shown to who does not say why they look.",
    "rebuild_running": "The read model is being rebuilt already.",
    "request_malformed": "The request is not understood.",
    "scope_missing": "The API key has not the scope that this needs.",
    "seller_unknown": "No policy of the book named its seller when this was issued; an e-invoice has to.",
    "source_not_allowed": "The API key may not post as this source.",
    "source_reserved": "The source is the ledger's own.",
    "statement_too_long": "The statement has more entries than one document: ask for fewer days.",
    "tile_unknown": "No checkpoint covers a tile of this address.",
    "unavailable": "The ledger cannot answer now; the same request may be sent again.",
}
