"""What a resident answered to a category's question, and what is wrong with it."""

from __future__ import annotations

from django import template

from saat.web.resident.choices import Question
from saat.web.resident.forms import ReportForm

register = template.Library()


@register.simple_tag
def answers(form: ReportForm, question: Question) -> list[str]:
    """Return the answers given so far."""
    return form.answers(question)


@register.simple_tag
def fault(form: ReportForm, field: str) -> str:
    """Return what is wrong with a field, "" if nothing is."""
    return form.errors.get(field, "")
