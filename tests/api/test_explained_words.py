"""What changed since the invoice before, told in each of the six languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.api.explained import AT, BOTH, DSL, FEBRUARY, billed_twice, texts
from tests.api.live import Caller, Json, Live
from tests.ledger.asks import (
    agree,
    charge,
    complain_of_charge,
    issue,
    percent_off,
    resolve,
    service,
)

from ledger_api.tongue import LANGUAGES, Language

AT_MOST = {
    "en": "On all invoices together it takes off no more than €3.00.",
    "da": "På alle fakturaer tilsammen trækker den højst 3,00 € fra.",
    "de": "Auf allen Rechnungen zusammen nimmt er höchstens 3,00 € weg.",
    "es": "En todas las facturas juntas resta como máximo 3,00 €.",
    "el": "Σε όλα τα τιμολόγια μαζί αφαιρεί το πολύ 3,00 €.",
    "et": "Kõigil arvetel kokku on see kõige rohkem 3,00 €.",
}


def test_a_percentage_that_its_bound_cut_short_says_so(live: Live, book: Caller) -> None:
    caller = billed_twice(live, book, (BOTH, percent_off("ten", "10", at_most=300, currency="EUR")), ())
    head = caller.head
    for language, sentence in AT_MOST.items():
        told = caller.read("/invoices/INV-1/explain", min_position=head, language=language)
        (discount,) = told["discounts"]
        assert (discount["percent"], discount["at_most"], discount["amount"]) == ("10", 300, 300)
        assert sentence in [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(told)]


DROPPED = (
    ("en", "What is agreed from 1 February 2026 on leaves it out.",
     "Event {position} says so, which tester recorded as of 1 February 2026."),
    ("da", "Det er ikke med i det, der er aftalt fra 1. februar 2026.",
     "Det fremgår af hændelse {position}, som tester registrerede pr. 1. februar 2026."),
    ("de", "Was ab dem 1. Februar 2026 vereinbart ist, enthält es nicht mehr.",
     "Das sagt Ereignis {position}, aufgezeichnet von tester zum 1. Februar 2026."),
    ("es", "Lo acordado a partir del 1 de febrero de 2026 ya no lo incluye.",
     "Así consta en el evento {position}, que registró tester con fecha del 1 de febrero de 2026."),
    ("el", "Όσα έχουν συμφωνηθεί από τις 1 Φεβρουαρίου 2026 δεν το περιλαμβάνουν.",
     "Το αναφέρει το συμβάν {position}. Το καταχώρισε: tester, με ημερομηνία 1 Φεβρουαρίου 2026."),  # noqa: RUF001 - Greek
    ("et", "Alates kuupäevast 1. veebruar 2026 kehtiv kokkulepe seda enam ei sisalda.",
     "Seda ütleb sündmus {position}. Salvestaja: tester, kuupäevaga 1. veebruar 2026."),
)  # fmt: skip


def test_the_event_is_told_in_every_language(live: Live, book: Caller) -> None:
    caller = billed_twice(live, book, (BOTH,), (agree("2026-02-01", DSL),))
    position = next(
        each["position"] for each in reversed(caller.walk_feed()) if each["type"] == "agreement.changed"
    )
    head = caller.head
    for language, why, event in DROPPED:
        told = caller.read("/invoices/INV-2/explain", min_position=head, language=language)
        place = [part["name"] for part in told["changes"]["parts"]].index("tv")
        assert said_of(told, place)[1:] == [why, event.format(position=position)]


@pytest.fixture
def three_bills(live: Live, book: Caller) -> Caller:
    """Bills between which much of what can differ does; the last is dated before the one before it."""
    first = (
        agree("2025-12-01", DSL), BOTH, charge("c1", 100), charge("tip1", 100, service="tips"),
        charge("zero1", 100, service="zero"), *(charge(f"call{n}", 50, service="calls") for n in (1, 2)),
        percent_off("few", "1", scope={"service": "tips"}), percent_off("ten", "10"),
        percent_off("none", "50", scope={"service": "zero"}),
    )  # fmt: skip
    then = (
        agree("2026-02-01", DSL, service("tv", 310, tax_category="reduced")),
        charge("tip2", 40, service="tips"), charge("zero2", 0, service="zero"),
        *(charge(f"game{n}", 500, service="games") for n in (1, 2)),
        charge("r1", 800, service="roaming"), complain_of_charge("d1", "r1"),
        resolve("d1", "partly_upheld", net=300), percent_off("late", "20"),
    )  # fmt: skip
    caller = billed_twice(live, book, first, then)
    caller.tell(charge("c2", 100), at=AT)
    caller.tell(issue(), at=FEBRUARY - timedelta(hours=1))
    return caller


TOLD = (
    (2, "service", "dsl", {
        "en": "Another number of periods is billed.",
        "da": "Der er opkrævet et andet antal perioder.",
        "de": "Es ist eine andere Zahl von Zeiträumen berechnet.",
        "es": "Se cobra otro número de períodos.",
        "el": "Χρεώνεται διαφορετικός αριθμός περιόδων.",
        "et": "Arvestatud perioodide arv on teine.",
    }),
    (2, "service", "tv", {
        "en": "It is in another category of tax.",
        "da": "Det hører til en anden momskategori.",
        "de": "Es gehört zu einer anderen Steuerkategorie.",
        "es": "Pertenece a otra categoría del impuesto.",
        "el": "Ανήκει σε άλλη κατηγορία φόρου.",
        "et": "See kuulub teise maksukategooriasse.",
    }),
    (2, "charge", "games", {
        "en": "It is made up of 2 charges, from 1 February 2026 to 1 February 2026.",
        "da": "Det er 2 poster fra den 1. februar 2026 til den 1. februar 2026.",
        "de": "Es sind 2 Posten vom 1. Februar 2026 bis zum 1. Februar 2026.",
        "es": "Son 2 cargos, del 1 de febrero de 2026 al 1 de febrero de 2026.",
        "el": "Πρόκειται για 2 χρεώσεις, από τις 1 Φεβρουαρίου 2026 έως τις 1 Φεβρουαρίου 2026.",  # noqa: RUF001 - Greek
        "et": "Tasude arv on 2, kuupäevast 1. veebruar 2026 kuni kuupäevani 1. veebruar 2026.",
    }),
    (2, "charge", "games", {
        "en": "The first of them is event 21, the last one event 22.",
        "da": "Den første af dem er hændelse 21, den sidste er hændelse 22.",
        "de": "Der erste davon ist Ereignis 21, der letzte ist Ereignis 22.",
        "es": "El primero de ellos es el evento 21 y el último es el evento 22.",
        "el": "Η πρώτη από αυτές είναι το συμβάν 21 και η τελευταία το συμβάν 22.",  # noqa: RUF001 - Greek
        "et": "Esimene neist on sündmus 21, viimane on sündmus 22.",
    }),
    (2, "charge", "roaming", {
        "en": "It was charged on 1 February 2026.",
        "da": "Posten er fra den 1. februar 2026.",
        "de": "Der Posten ist vom 1. Februar 2026.",
        "es": "El cargo es del 1 de febrero de 2026.",
        "el": "Η χρέωση έγινε στις 1 Φεβρουαρίου 2026.",  # noqa: RUF001 - Greek
        "et": "Tasu kuupäev on 1. veebruar 2026.",
    }),
    (2, "charge", "roaming", {
        "en": "A part of it was taken back on 1 February 2026, before it was billed.",
        "da": "En del af det blev taget tilbage den 1. februar 2026, før det blev opkrævet.",
        "de": "Ein Teil davon wurde am 1. Februar 2026 zurückgenommen, bevor es berechnet wurde.",
        "es": "Una parte se anuló el 1 de febrero de 2026, antes de cobrarse.",
        "el": "Ένα μέρος του ακυρώθηκε στις 1 Φεβρουαρίου 2026, πριν τιμολογηθεί.",
        "et": "Osa sellest võeti tagasi enne arvestamist, kuupäevaga 1. veebruar 2026.",
    }),
    (2, "charge", "mobile", {
        "en": "It was charged on 2 January 2026, and only invoice INV-1 bills that.",
        "da": "Posten er fra den 2. januar 2026, og kun faktura INV-1 opkræver den.",
        "de": "Der Posten ist vom 2. Januar 2026, und nur die Rechnung INV-1 berechnet ihn.",
        "es": "El cargo es del 2 de enero de 2026, y solo la factura INV-1 lo cobra.",
        "el": "Η χρέωση έγινε στις 2 Ιανουαρίου 2026 και υπάρχει μόνο στο τιμολόγιο INV-1.",  # noqa: RUF001 - Greek
        "et": "Tasu kuupäev on 2. jaanuar 2026 ja see on ainult arvel INV-1.",
    }),
    (2, "charge", "calls", {
        "en": "It was made up of 2 charges, from 2 January 2026 to 2 January 2026, "
        "and only invoice INV-1 bills them.",
        "da": "Det var 2 poster fra den 2. januar 2026 til den 2. januar 2026, "
        "og kun faktura INV-1 opkræver dem.",
        "de": "Es waren 2 Posten vom 2. Januar 2026 bis zum 2. Januar 2026, "
        "und nur die Rechnung INV-1 berechnet sie.",
        "es": "Eran 2 cargos, del 2 de enero de 2026 al 2 de enero de 2026, "
        "y solo la factura INV-1 los cobra.",
        "el": "Ήταν 2 χρεώσεις, από τις 2 Ιανουαρίου 2026 έως τις 2 Ιανουαρίου 2026, "
        "και υπάρχουν μόνο στο τιμολόγιο INV-1.",
        "et": "Tasude arv oli 2, kuupäevast 2. jaanuar 2026 kuni kuupäevani 2. jaanuar 2026, "
        "ja need on ainult arvel INV-1.",
    }),
    (2, "discount", "ten", {
        "en": "What it lowers comes to another amount.",
        "da": "Det, som den nedsætter, udgør et andet beløb.",
        "de": "Was er senkt, ergibt einen anderen Betrag.",
        "es": "Lo que rebaja suma otro importe.",
        "el": "Το ποσό που μειώνει είναι διαφορετικό.",  # noqa: RUF001 - Greek
        "et": "Summa, mida see vähendab, on teine.",
    }),
    (2, "discount", "late", {
        "en": "Discount late was not on the earlier invoice: €8.91 less.",
        "da": "Rabatten late var ikke på den tidligere faktura: 8,91 € mindre.",
        "de": "Der Rabatt late war nicht auf der früheren Rechnung: 8,91 € weniger.",
        "es": "El descuento late no figuraba en la factura anterior: 8,91 € menos.",
        "el": "Η έκπτωση late δεν υπήρχε στο προηγούμενο τιμολόγιο: 8,91 € λιγότερα.",  # noqa: RUF001 - Greek
        "et": "Allahindlust late varasemal arvel ei olnud: 8,91 € vähem.",
    }),
    (2, "discount", "few", {
        "en": "Discount few takes nothing off this invoice: €0.01 more.",
        "da": "Rabatten few trækker intet fra på denne faktura: 0,01 € mere.",
        "de": "Der Rabatt few nimmt von dieser Rechnung nichts weg: 0,01 € mehr.",
        "es": "El descuento few no resta nada en esta factura: 0,01 € más.",
        "el": "Η έκπτωση few δεν αφαιρεί τίποτα από αυτό το τιμολόγιο: 0,01 € περισσότερα.",  # noqa: RUF001 - Greek
        "et": "Allahindlus few seda arvet ei vähenda: 0,01 € rohkem.",
    }),
    (2, "discount", "few", {
        "en": "What it would take off here is rounded to nothing.",
        "da": "Det, som den ville trække fra her, afrundes til nul.",
        "de": "Was er hier wegnähme, wird auf null gerundet.",
        "es": "Lo que restaría aquí se redondea a cero.",
        "el": "Αυτό που θα αφαιρούσε εδώ στρογγυλοποιείται στο μηδέν.",
        "et": "See, mida see siin vähendaks, ümardub nulliks.",
    }),
    (2, "discount", "none", {
        "en": "Nothing is left on this invoice that it could lower.",
        "da": "Der er intet tilbage på denne faktura, som den kunne nedsætte.",
        "de": "Auf dieser Rechnung ist nichts übrig, was er senken könnte.",
        "es": "En esta factura no queda nada que pudiera rebajar.",
        "el": "Δεν απομένει τίποτα σε αυτό το τιμολόγιο που θα μπορούσε να μειώσει.",  # noqa: RUF001 - Greek
        "et": "Sellel arvel ei ole enam midagi, mida see saaks vähendada.",
    }),
    (2, "tax", "standard", {
        "en": "What is taxed comes to another amount.",
        "da": "Det, som momsen beregnes af, udgør et andet beløb.",
        "de": "Was besteuert wird, ergibt einen anderen Betrag.",
        "es": "Lo que se grava suma otro importe.",
        "el": "Το ποσό που φορολογείται είναι διαφορετικό.",  # noqa: RUF001 - Greek
        "et": "Maksustatav summa on teine.",
    }),
    (3, "service", "tv", {
        "en": "Tv is not on this invoice: €3.10 less.",
        "da": "Tv står ikke på denne faktura: 3,10 € mindre.",
        "de": "Tv steht nicht auf dieser Rechnung: 3,10 € weniger.",
        "es": "Tv no figura en esta factura: 3,10 € menos.",
        "el": "Tv, δεν υπάρχει σε αυτό το τιμολόγιο: 3,10 € λιγότερα.",
        "et": "Tv ei ole sellel arvel: 3,10 € vähem.",
    }),
    (3, "discount", "late", {
        "en": "It was granted only on 1 February 2026, and this invoice is dated before that.",
        "da": "Den blev først givet den 1. februar 2026, og denne faktura er dateret før det.",
        "de": "Er wurde erst am 1. Februar 2026 gewährt, und diese Rechnung ist auf die Zeit davor datiert.",
        "es": "No se concedió hasta el 1 de febrero de 2026, y esta factura lleva una fecha anterior.",
        "el": "Δόθηκε μόλις στις 1 Φεβρουαρίου 2026, και αυτό το τιμολόγιο έχει προγενέστερη ημερομηνία.",
        "et": "Andmise kuupäev on alles 1. veebruar 2026 ja see arve on sellest varasem.",
    }),
)  # fmt: skip
"""An invoice, a part of its changes, and something that is told of it in each language."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_difference_is_told(three_bills: Caller, language: Language) -> None:
    said: dict[tuple[int, str, str], list[str]] = {}
    for number in (2, 3):
        told = three_bills.read(
            f"/invoices/INV-{number}/explain", min_position=three_bills.head, language=language
        )
        for place, part in enumerate(told["changes"]["parts"]):
            said[number, part["kind"], part["name"]] = said_of(told, place)
    for number, kind, name, sentences in TOLD:
        assert sentences[language] in said[number, kind, name]


def said_of(told: Json, place: int) -> list[str]:
    """Sentences about a part of the changes, with common spaces."""
    about = f"/changes/parts/{place}"
    texts = [each["text"] for each in told["sentences"] if each["about"] == about]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]
