"""Every refusal of the ledger: its code, its stage, what it means and what the caller can do.

A code is stable: programs act on it. `tests/ledger/test_refusals.py` holds this table against the source, and
`docs/refusals.md` is made of it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Stage = Literal["shape", "idempotency", "references", "state", "limits"]
STAGES: tuple[Stage, ...] = ("shape", "idempotency", "references", "state", "limits")
"""The order of refusal. (Authority comes after shape: it is checked where the request comes in.)"""


class Entry(NamedTuple):
    """One refusal."""

    code: str
    stage: Stage
    meaning: str
    remedy: str


_TABLE = """
json_invalid | shape | What was posted is not JSON. | Send one JSON object in UTF-8 without a byte order mark.
json_too_deep | shape | The JSON is nested too deeply. | Send the document that the type asks for.
utf8_invalid | shape | The text is not UTF-8. | Encode the document as UTF-8.
key_repeated | shape | A key stands twice in one object, so readers could disagree about it. | Send each key once.
field_missing | shape | A field that has to be there is not. | Add the field that the pointer names.
field_unknown | shape | The data has a field that its type does not know. | Leave it out, or correct its name.
field_not_allowed | shape | A field has no meaning beside another one of the message. | Leave it out.
field_type_wrong | shape | A field is of another JSON type than it has to be; an amount is an integer. | Send the type that the detail names.
number_out_of_range | shape | A number is smaller or larger than the field allows. | Send minor units within the bounds in the detail.
text_length | shape | A text is empty or too long. | Keep to the length in the detail.
text_blank | shape | A text that has to say something is only blanks. | Fill it in, or leave the field out where it may be.
text_not_allowed | shape | A text has characters that its field does not allow; no text may have control characters. | Send a text of the allowed characters.
list_length | shape | A list has too few or too many entries. | Keep to the length in the detail.
choice_unknown | shape | A field has none of the values that it may have. | Send one of the values of the documentation.
attribute_unknown | shape | The event has an attribute that this ledger does not know. | Leave it out.
attribute_reserved | shape | The event brings an attribute that only the log may add. | Leave it out.
type_reserved | shape | Only the ledger posts this message, by itself. | Nothing: it is posted when it is due.
type_unknown | shape | No message has this type. | Send one of the types of the documentation.
specversion_unknown | shape | The event is of another version of CloudEvents than 1.0. | Send specversion 1.0.
datacontenttype_unknown | shape | The data is said to be something else than JSON. | Send JSON, or leave datacontenttype out.
time_invalid | shape | A time or a date is none. | Send RFC 3339: 2026-03-01T10:00:00Z, or 2026-03-01 for a date.
time_zone_missing | shape | A time has no zone, so it is no instant. | Add Z or an offset.
time_out_of_range | shape | A time lies before 1900 or after 2999. | Correct the date.
subject_missing | shape | The message is about a customer but names none. | Name the customer in subject.
subject_not_allowed | shape | The message is about the book but names a customer. | Leave subject out.
currency_unknown | shape | ISO 4217 has no such currency. | Send an ISO 4217 code.
time_zone_unknown | shape | The IANA database has no such time zone. | Send a name like Europe/Berlin.
prefix_taken | shape | Invoices and credit notes would be numbered alike. | Give the series different prefixes.
measure_unknown | shape | A posting rule measures what the event does not have. | Use a measure of the event; the default rules show them.
rules_unbalanced | shape | The posting rules of an event do not sum to zero. | Complete the entry.
tax_category_untaxed | shape | A category that is untaxed in every book cannot have a rate. | Use another category.
period_backwards | shape | A service period ends before it begins. | Correct the period.
period_too_long | shape | A service period has more than ten years. | Post several charges.
percent_out_of_range | shape | A discount is not above 0 and at most 100 percent. | Correct the percentage.
iban_invalid | shape | The check digits of an account number are wrong. | Correct the IBAN.
policy_repeated | shape | A policy says two things of one role, criterion or currency. | Say it once.
policy_incomplete | shape | A policy names a role or criterion that it does not describe. | Describe it, or leave it out.
source_not_one | shape | A source is not exactly one of payment and credit note. | Name one of the two.
recovery_not_one | shape | Debt is recovered by not exactly one of a new payment and a source. | Name one of the two.
scope_not_one | shape | A discount's scope is not exactly one of charge and service. | Name one of the two, or leave scope out.
dispute_not_about_one | shape | A dispute is not about exactly one thing that its kind allows. | Name one of those in the detail.
nothing_changed | shape | A change names nothing that changes. | Name a term.
service_repeated | shape | A service stands twice in an agreement. | Send each service once, with its quantity.
steps_disordered | shape | A step of dunning comes no later than the one before it. | Order the steps by their days.
line_repeated | shape | A line stands twice. | Name each line once.
invoice_repeated | shape | An invoice stands twice in a payment's allocations. | Name each invoice once.
allocations_exceed_payment | shape | A payment's allocations sum to more than the payment. | Correct the amounts.
arm_repeated | shape | An arm of a trial stands twice, or is called as the hold-out is. | Give each arm its own name.
shares_not_whole | shape | The shares of a trial's arms and its hold-out, each above 0, are not 100 percent together. | Correct the shares.
through_ahead | shape | An invoice would bill through a time after its own. | Date the invoice at or after through.
amount_too_large | shape | A computed amount is above 10^15 minor units. | Split the charge, or bill fewer at once.
key_conflict | idempotency | The key (source, id) is taken by a message with other content. | Send a new message under a new id.
version_unexpected | state | The stream is at another version than expectedversion. | Read again and decide anew.
book_unknown | references | The book is not opened yet. | Post book.opened first.
customer_unknown | references | There is no such customer in this book. | Post customer.opened first, or correct subject.
account_unknown | references | The chart of accounts has no such account. | Post account.added first.
tax_category_unknown | references | The book has no such tax category. | Post tax_rate.changed first, or correct the category.
charge_unknown | references | The customer has no such charge. | Correct the name.
invoice_unknown | references | The customer has no such invoice. | Correct the number.
line_unknown | references | The invoice has no such line. | Correct the line.
credit_note_unknown | references | The customer has no such credit note. | Correct the number.
payment_unknown | references | No such payment was received from the customer. | Post payment.received first, or correct the name.
criterion_unknown | references | The policy of the book has no such criterion, or none is named. | Name one of the policy's.
discount_unknown | references | The customer has no such discount. | Correct the name.
trial_unknown | references | No such trial is registered in this book. | Register its plan first, or correct the name.
dispute_unknown | references | The customer has no such dispute. | Correct the name.
contact_unknown | references | No such contact of the customer has arrived. | Post contact.arrived first, or correct the name.
currency_mismatch | references | Amounts of two currencies would meet. | Use what is in the same currency.
posting_rules_missing | state | The book's posting rules of that day have none for something that this would post, so the journal would miss it. Judged last, of what the message would lead to. | Post policy.changed with posting rules that name it, from that day or an earlier one, then send the message again.
period_closed | state | The day lies in a closed period of the book. | Date it in an open period.
period_not_over | state | The period to close is not over yet. | Close it after its last day.
time_ahead | state | The message is dated more than a day ahead. | Correct the time, or post it later.
dated_before | state | A command is dated before what it acts on. | Date it at or after that.
book_exists | state | The book is open already. | Nothing: it is there.
account_exists | state | The account is in the chart already. | Nothing: it is there.
customer_exists | state | The customer is open already. | Nothing: they are there.
customer_closed | state | The customer has left: there is no new business with them. | Date it before the end, or open another customer.
customer_erased | state | The personal data of the customer is erased already. | Nothing: it is gone for good.
customer_not_closed | state | Personal data is erased of customers who have left only. | Post customer.closed first.
business_open | state | Something is still to be billed, paid, paid back or settled with the customer. | Settle what the values list, or write it off.
retention_running | state | The book's policy keeps the personal data of customers who left for some time. | Come back after the time that is named.
charge_exists | state | A charge of this name was posted before, in another message. | Give each charge its own name.
charge_billed | state | The charge is on an invoice. | Credit the invoice's line.
charge_reversed | state | The charge is reversed. | Nothing: it is taken back.
charge_disputed | state | A complaint about the charge is open. | Resolve that first.
period_billed | state | The customer is billed through the end of this billing period already. | Nothing, or bill through a later day; what came late is billed with the next period, or by invoice.issue.
nothing_to_bill | state | No charge of this currency is unbilled, and no service is due. | Nothing, or bill through a later time.
tax_rate_unknown | state | The category has no rate on the supply date. | Post tax_rate.changed for that date.
invoice_void | state | The invoice is void. | Use another invoice.
invoice_allocated | state | Money is allocated to the invoice, so it cannot be void. | Refund or undo that first, or issue a credit note.
invoice_credited | state | A credit note lives on the invoice, so it cannot be void. | Credit the rest.
invoice_disputed | state | A dispute about the invoice is open, so it cannot be void. | Resolve that first.
invoice_written_off | state | Something is written off of the invoice, so it cannot be void. | Issue a credit note, which takes that back.
nothing_receivable | state | Nothing of the invoice is receivable: it is settled, or in dispute. | Nothing, or resolve the dispute first.
credit_note_void | state | The credit note is void already. | Nothing: it is taken back.
credit_note_settles | state | The credit note settles a dispute, which is resolved for good. | Charge anew what was credited too much.
credit_note_used | state | The credit that the credit note left is used, so it cannot be void. | Undo that first, or charge anew.
payment_exists | state | A payment of this name was received before, in another message. | Give each payment its own name; a bounce is payment.returned.
refund_exists | state | A refund of this name was issued before. | Give each refund its own name.
discount_exists | state | A discount of this name was granted, offered or requested before. | Give each discount its own name.
discount_not_waiting | state | The discount does not wait for this decision: it is decided already, or waits for another one. | Look it up.
authority_missing | state | By the policy in force, the role of the API key has no authority over discounts. | Ask somebody who has, or use a key with a role.
policy_not_allowed | state | Who acts in a role cannot change the policy that limits roles. | Post it with a key without a role.
self_approval | state | Who asked for a discount cannot decide on it, with whatever key. | Let somebody else decide.
approval_not_allowed | state | The role of the API key may not decide on requests of others. | Let somebody decide whose role may.
revocation_not_allowed | state | Others granted the discount, and the role of the API key may not grant as much. | Let who granted it revoke it, or somebody who may.
withdrawal_not_allowed | state | Only who asked for a discount withdraws the request. | Decline it, in a role that approves.
tenure_too_short | state | The criterion asks for a customer of longer standing. | Name another criterion that holds.
complaint_not_open | state | The criterion asks for an open complaint. | Name another criterion that holds.
invoice_overdue | state | The criterion asks that nothing is overdue. | Name another criterion that holds.
alternative_not_offered | state | The criterion asks that an alternative was offered first, and nothing that is recorded of the customer says so. | Name in alternative an offer that the customer refused or let expire, or a note that says what they were offered.
offer_expired | state | The last day of the offer is over. | Offer it anew.
discount_revoked | state | The discount is revoked already. | Nothing: it is not used any more.
trial_exists | state | A trial of this name is registered already; its plan does not change. | Register another trial.
trial_assigned | state | The customer takes part in the trial already. | Nothing: their arm is drawn.
trial_over | state | The last day of the trial is over. | Register another trial.
dispute_exists | state | A dispute of this name was opened before. | Give each dispute its own name.
dispute_resolved | state | The dispute is resolved already. | Open another one.
inquiry_not_fitting | state | A chargeback is said to follow what is no inquiry about its payment. | Name that inquiry, or leave it out.
dispute_of_other_kind | state | This cannot be done with a dispute of this kind. | Resolve it, or name another one.
dispute_withdrawn | state | The chargeback is withdrawn already. | Nothing: it is known. The bank's decision is dispute.resolve.
assignee_unchanged | state | The dispute is with this assignee already, or in the queue already. | Nothing: it is there.
evidence_exists | state | The dispute has this file already. | Nothing: it is there.
deadline_not_open | state | The dispute does not wait for this deadline: it was met, or has passed. | Nothing: the ledger asks by itself.
deadline_not_passed | state | The deadline has not passed, or was recorded less than a day ago. | Nothing: the ledger asks again.
step_unknown | state | The book's dunning has no such step on that day: no more, or none at all. | Nothing, or change the policy of dunning.
reminder_exists | state | This step was sent for the invoice before. | Nothing: it was sent.
reminder_out_of_order | state | An earlier step of the invoice was not sent yet. | Send that first.
nothing_to_remind | state | Nothing of the invoice is due, or all of it is in dispute. | Nothing, or resolve the dispute.
reminder_not_due | state | The day of the step has not come. | Send it on that day, or later.
note_exists | state | There is a note of this name, with another text. | Give each note its own name.
method_not_agreed | state | The book's policy of verification does not allow this method, or there is no policy. | Use one that is allowed.
contact_exists | state | A contact of this name arrived before, in another message. | Give each contact its own name.
contact_answered | state | The contact was answered: it is not answered again, and it was not abandoned. | Nothing, or end it with its outcome.
contact_not_answered | state | Nobody answered the contact, so it can only have been abandoned. | Post contact.answered first, or end it as abandoned.
contact_ended | state | The contact is over. | Nothing, or let another contact arrive.
outcome_not_allowed | state | A dispute of this kind does not end so. | Use an outcome of its kind.
resolution_not_fitting | state | A field says nothing about a dispute of this kind. | Leave it out.
part_not_said | state | A complaint is upheld in part, but not which part. | Name lines, or the net of a charge.
lines_needed | state | No nets of the disputed lines come, with tax, to exactly the complaint's amount. | Name the lines and nets to credit.
discount_unbounded | limits | Under a policy, nobody grants a fixed discount for ever: it is worth more than any limit. | Say for how many invoices.
authority_exceeded | limits | The discount is beyond the authority of who would approve it, too. | Let somebody decide whose authority covers it.
outcome_not_matching | limits | What is credited is the whole where the outcome says a part, or a part where it says the whole. | Correct one of the two.
total_unexpected | limits | The invoice's total is another than the caller expected. | Compare the charges, then issue with that total.
lines_too_many | limits | More lines of agreements are due than one invoice bills. | Bill through an earlier day first.
allocation_exceeds_source | limits | More would be allocated than is left in the source. | Allocate what is left.
allocation_exceeds_due | limits | More would be allocated than is due outside disputes. | Allocate what is due.
undo_exceeds_allocation | limits | More would be undone than is allocated. | Undo what is allocated.
credit_exceeds_line | limits | More would be credited of a line than is left of its net. | Credit what is left.
credit_exceeds_dispute | limits | More would be credited than was complained about. | Credit less, or issue a credit note of its own.
write_off_exceeds_receivable | limits | More would be written off than is receivable. | Write off what is receivable; resolve disputes first.
recovery_exceeds_written_off | limits | More would be recovered than is written off. | Recover what is written off; post the rest as a payment of its own.
verification_locked | limits | Too many attempts to verify the customer's caller failed; nobody may try now, right or wrong. | Wait until the time that the detail names.
code_limit | limits | Too many one-time codes were sent to the customer. | Wait, or use another method.
reminder_below_minimum | limits | Less is due than the step is for. | Nothing: it is too little to remind of.
refund_exceeds_credit | limits | More would be refunded than the customer has as credit. | Refund what there is.
refund_exceeds_payment | limits | More would be refunded than was received and did not go back yet. | Refund what is left.
dispute_exceeds_invoice | limits | More would be in dispute than the invoice has, less credit notes and open complaints. | Dispute what is left.
dispute_exceeds_charge | limits | More would be in dispute than the charge. | Dispute the charge's net.
chargeback_exceeds_payment | limits | The chargebacks of one payment would pass it. | Check the payment's name.
evidence_too_many | limits | The dispute has as many files as one may have. | Put them together in one file.
fee_exceeds_charged | limits | More of a fee would come back than was charged. | Correct the amount.
"""  # noqa: E501 - one row, one line

REFUSALS: dict[str, Entry] = {
    entry.code: entry
    for row in _TABLE.strip().split("\n")
    for code, stage, meaning, remedy in [row.split(" | ")]
    for entry in [Entry(code, next(each for each in STAGES if each == stage), meaning, remedy)]
}
"""All of them, by code."""


def as_markdown() -> str:
    """Write the table as the page that readers of the documentation see."""
    lines = [
        "# Refusals",
        "",
        "A refused message changes nothing and is not remembered: it may be sent again and is judged anew.",
        "The first rule that it breaks answers, in the order of the sections; authority comes after shape.",
    ]
    for stage in STAGES:
        lines += ["", f"## {stage.capitalize()}", "", "| code | meaning | what to do |", "|---|---|---|"]
        lines += [f"| `{e.code}` | {e.meaning} | {e.remedy} |" for e in REFUSALS.values() if e.stage == stage]
    return "\n".join(lines) + "\n"
