"""What preflight has found: a sentence and its buttons each."""

from .sentence import sentence


def draw_findings(context, layout, findings) -> None:
    """A box of them; nothing where all is well."""
    if not findings:
        return
    box = layout.box()
    for finding in findings:
        sentence(context, box, finding.sentence, "ERROR" if finding.serious else "INFO")
        if finding.mends:
            row = box.row(align=True)
            for mend in finding.mends:
                button = row.operator(mend.operator, text=mend.label)
                for name, value in mend.values.items():
                    setattr(button, name, value)
