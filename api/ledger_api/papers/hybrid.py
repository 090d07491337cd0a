"""A PDF that says of itself that an e-invoice is in it: the metadata of Factur-X, added behind what is there.

Typst embeds the file but has no words for this metadata, so the PDF gets an incremental update
[ISO 32000-1, 7.5.6]: its metadata stream once more, with the properties and their schema, as PDF/A asks.
"""

from __future__ import annotations

import re

from ledger.errors import IntegrityError

FILE = "factur-x.xml"
_URN = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_VALUES = {
    "DocumentType": ("INVOICE", "The type of the document"),
    "DocumentFileName": (FILE, "The name of the embedded document"),
    "Version": ("1.0", "The version of the standard"),
    "ConformanceLevel": ("EN 16931", "The profile of the document"),
}
_PROPERTIES = (
    f'<rdf:Description rdf:about="" xmlns:fx="{_URN}">'
    + "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in _VALUES.items())
    + "</rdf:Description>"
)
_SCHEMA = (
    '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
    f"<pdfaSchema:namespaceURI>{_URN}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
    "<pdfaSchema:property><rdf:Seq>"
    + "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external"
        f"</pdfaProperty:category><pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
        for name, (_, meaning) in _VALUES.items()
    )
    + "</rdf:Seq></pdfaSchema:property></rdf:li>"
)
_METADATA = re.compile(
    rb"\n(\d+) 0 obj\n<<(/Length \d+)/Type/Metadata/Subtype/XML>>\s*stream\n(.*?)\nendstream", re.DOTALL
)
_TRAILER = re.compile(rb"trailer\s*<<(.*?)>>\s*startxref\s+(\d+)\s+%%EOF\s*\Z", re.DOTALL)
_SCHEMAS_END = b"</rdf:Bag></pdfaExtension:schemas>"
_RDF_END = b"</rdf:RDF>"


def declare(pdf: bytes) -> bytes:
    """Add the metadata of Factur-X to a PDF/A-3 of Typst. Raises `IntegrityError` for any other PDF."""
    metadata, trailer = _METADATA.search(pdf), _TRAILER.search(pdf)
    if metadata is None or trailer is None or metadata[3].count(_SCHEMAS_END) != 1:
        raise IntegrityError("this is no PDF/A-3 as Typst writes it: is Typst of another version?")
    said = metadata[3].replace(_SCHEMAS_END, _SCHEMA.encode() + _SCHEMAS_END)
    said = said.replace(_RDF_END, _PROPERTIES.encode() + _RDF_END)
    number = metadata[1]
    offset = len(pdf) + 1
    added = b"%s 0 obj\n<</Length %d/Type/Metadata/Subtype/XML>>\nstream\n%s\nendstream\nendobj\n" % (
        number, len(said), said,
    )  # fmt: skip
    table = b"xref\n%s 1\n%010d 00000 n \ntrailer\n<<%s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (
        number, offset, trailer[1].rstrip(), trailer[2], offset + len(added),
    )  # fmt: skip
    return b"\n".join((pdf, added + table))
