"""What the folder says in words: the page of the verification, and how to recompute everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files

from ledger.verify.book import Report
from ledger.verify.findings import Check


def _text(name: str) -> str:
    return files(__package__ or "").joinpath(name).read_text(encoding="utf-8")


def readme(about: Mapping[str, object]) -> str:
    """Say what is in the folder, and how each of it is recomputed."""
    words = {name: "any date" if value is None else value for name, value in about.items()}
    dated = "" if about["occurred_by"] is None else f" --as-of-occurred {about['occurred_by']}"
    return _text("readme.txt").format(**words, dated=dated)


def verification_page(report: Report, about: Mapping[str, object]) -> str:
    """Lay a report out as a page that needs nothing else."""
    style = _text("page.css")
    said = "".join(_finding(check) for check in report.checks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Verification of {escape(report.book)}</title><style>{style}</style></head><body>"
        f"<h1>Verification of the book {escape(report.book)}</h1>"
        f"<p>{report.position:,} events. Root <code>{report.root.hex()}</code>. "
        f"Written at {escape(str(about['written_at']))}.</p>"
        f'<p class="verdict {"passed" if report.passed else "failed"}">{_said(report)}</p>'
        "<table><thead><tr><th>Check</th><th>Result</th><th>Compared</th><th>What with what</th></tr></thead>"
        f"<tbody>{''.join(_row(check) for check in report.checks)}</tbody></table>"
        f"{f'<h2>What is wrong</h2><ul>{said}</ul>' if said else ''}</body></html>\n"
    )


def _said(report: Report) -> str:
    if report.passed:
        return "Nothing is wrong."
    wrong = report.verdict == "wrong"
    said = "Not as it was recorded." if wrong else "Nothing is wrong in what was compared."
    missing = report.not_compared
    return f"{said} Not compared: {escape(', '.join(missing))}." if missing else said


def _row(check: Check) -> str:
    compared = escape(check.compared)
    return (
        f"<tr><td>{escape(check.name)}</td><td>{check.said}</td>"
        f'<td class="number">{check.count:,} {escape(check.unit)}</td><td>{compared}</td></tr>'
    )


def _finding(check: Check) -> str:
    def lines() -> Iterator[str]:
        for finding in check.findings:
            yield f"<li>{escape(check.name)}: {escape(finding.said)}</li>"
        if check.found > len(check.findings):
            yield f"<li>{escape(check.name)}: {check.found - len(check.findings):,} more</li>"

    return "".join(lines())
