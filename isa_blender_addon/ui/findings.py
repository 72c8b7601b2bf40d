"""What preflight has found: a sentence and its buttons each."""

from ..language.translation import words
from .sentence import sentence

# More findings than this are counted and not drawn, lest they push the panels below out of the window.
_MOST = 6


def draw_findings(context, layout, findings) -> None:
    """A box of them; nothing where all is well."""
    if not findings:
        return
    box = layout.box()
    serious_first = sorted(findings, key=lambda finding: not finding.serious)
    for finding in serious_first[:_MOST]:
        sentence(context, box, words(finding.text, **finding.values), "ERROR" if finding.serious else "INFO")
        if finding.mends:
            row = box.row(align=True)
            for mend in finding.mends:
                button = row.operator(mend.operator, text=words(mend.label, **mend.values))
                for name, value in mend.values.items():
                    setattr(button, name, value)
    if len(findings) > _MOST:
        box.label(text=words("and {count} more", count=len(findings) - _MOST))
