"""One act for several cases: chosen in the list, shown beforehand case by case, then done, with one undo for all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from saat.actions import bulk
from saat.actions.bulk import IN_BULK, MOST, NEEDS, Choice, Line
from saat.actions.cases import ActRefused, Assignee
from saat.actions.citymap import city_map
from saat.actions.log import NotAllowed, NotFound
from saat.records import queries_case, queries_worklist
from saat.records.models import City
from saat.records.queries_worklist import Group, Wanted
from saat.terms.case import Urgency
from saat.terms.codes import new_token
from saat.web.desk import words
from saat.web.desk.frame import actor_for, back_to, city_for, desk_view, reach_for
from saat.web.desk.rows import RowMaker, work_list
from saat.web.desk.worklist import BULK_NAMES, refusal


@desk_view
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Show which of the chosen cases the act would change and how, which it would not and why."""
    city, act, ids = city_for(request), request.POST.get("act", ""), _ids(request.POST)
    if act not in IN_BULK or not ids:
        messages.error(request, _("Please choose cases in the list and what to do with them."))
        return redirect(back_to(request))
    if len(ids) > MOST:
        messages.error(request, _("At most %(most)d cases can be changed at once.") % {"most": MOST})
        return redirect(back_to(request))
    choice, now = _choice(request.POST, act), timezone.now()
    context = _page(request, city=city, ids=ids, choice=choice, now=now)
    # Until all is filled in that the act needs there is nothing to judge.
    if not choice.missing:
        try:
            lines = bulk.rehearse(choice, city=city, case_ids=ids, now=now, by=actor_for(request))
        except NotAllowed as error:
            messages.error(request, str(error))
            return redirect(back_to(request))
        context |= {"lines": _shown(context["rows"], lines, city=city), "willing": sum(line.done for line in lines)}
    elif request.POST.get("asked"):
        context["fault"] = _("Please fill in what this step needs.")
    status = 422 if context.get("fault") else 200
    return render(request, "desk/worklist_bulk.html", context, status=status)


@desk_view
@require_POST
def apply(request: HttpRequest) -> HttpResponse:
    """Do the act to the cases, once however often the form is sent, and lead to what became of each."""
    city, act, ids = city_for(request), request.POST.get("act", ""), _ids(request.POST)
    key = request.POST.get("key", "")
    if act not in IN_BULK or not ids or not 20 <= len(key) <= 26 or not key.isalnum():
        messages.error(request, _("Please choose cases in the list and what to do with them."))
        return redirect(back_to(request))
    choice = _choice(request.POST, act)
    try:
        run = bulk.apply(choice, city=city, key=key, case_ids=ids, now=timezone.now(), by=actor_for(request))
    except (ActRefused, NotAllowed, NotFound) as error:
        messages.error(request, str(error))
        return redirect(back_to(request))
    return redirect(f"/desk/bulk/{run.key}")


@desk_view
@require_GET
def result(request: HttpRequest, key: str) -> HttpResponse:
    """Show what became of each case of a run, with an undo for those that were changed."""
    run = queries_worklist.bulk_run(reach_for(request), key)
    if run is None:
        raise Http404
    now = timezone.now()
    work = work_list(reach_for(request), city=run.city, wanted=Wanted(group=Group.ALL), now=now)
    rows = {row["id"]: row for row in RowMaker(work).rows(work.these(run.case_ids)[0])}
    codes = bulk.names_of(run.case_ids)
    lines: list[dict[str, Any]] = []
    for case_id in run.case_ids:
        told = run.results.get(str(case_id))
        row = rows.get(case_id) or {"id": case_id, "code": codes.get(case_id, str(case_id)), "category": ""}
        done = bool(told and told["done"])
        lines.append({"row": row, "waits": told is None, "done": done, "why": told["why"] if told else ""})
    events = [told["event"] for told in run.results.values() if told["done"] and run.act in bulk.CAN_BE_UNDONE]
    changed = sum(bool(line["done"]) for line in lines)
    context = {
        "section": "list",
        "name": BULK_NAMES[run.act],
        "lines": sorted(lines, key=lambda line: line["done"]),
        "done": ngettext("%(n)d case was changed.", "%(n)d cases were changed.", changed) % {"n": changed},
        "undone": len(lines) - changed,
        "events": ",".join(str(event) for event in events),
        "unfinished": any(line["waits"] for line in lines),
    }
    return render(request, "desk/worklist_bulk_done.html", context)


def _ids(sent: QueryDict) -> list[int]:
    texts = sent.getlist("case")
    numbers = (int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19)
    return list(dict.fromkeys(numbers))


def _choice(sent: QueryDict, act: str) -> Choice:
    kind, _sign, number = sent.get("to", "").partition(":")
    chosen = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None
    to = {"crew": Assignee(crew_id=chosen), "contractor": Assignee(contractor_id=chosen)}.get(kind)
    urgency = sent.get("urgency", "")
    return Choice(
        act=act,
        to=to if chosen is not None else None,
        urgency=Urgency(urgency) if urgency in set(Urgency) else None,
        reason_code=sent.get("reason_code", "")[:63],
        text=sent.get("text", "").strip()[:2000],
    )


def _page(request: HttpRequest, *, city: City, ids: list[int], choice: Choice, now: datetime) -> dict[str, Any]:
    reach, policy = reach_for(request), city.policy_terms()
    language = get_language() or policy.languages[0]
    work = work_list(reach, city=city, wanted=Wanted(group=Group.ALL), now=now)
    rows = {row["id"]: row for row in RowMaker(work).rows(work.these(ids)[0])}
    return {
        "section": "list",
        "act": choice.act,
        "name": BULK_NAMES[choice.act],
        "ids": ids,
        "rows": [rows.get(case_id) or {"id": case_id, "code": str(case_id), "category": ""} for case_id in ids],
        "choice": choice,
        "to": request.POST.get("to", ""),
        "needs": NEEDS[choice.act],
        "key": new_token(),
        "back": back_to(request),
        "crews": queries_worklist.crews(city, reach) if choice.act == "assign" else [],
        "contractors": queries_worklist.contractors(city) if choice.act == "assign" else [],
        "urgencies": [(code, words.URGENCIES[code]) for code in reversed(Urgency)],
        "reasons": [(row.code, policy.say(row.text, language)) for row in policy.closing_reasons],
        "templates": [
            (row.pk, row.name, policy.say(row.texts, language)) for row in queries_case.texts_of(city.pk)
        ] if choice.act == "message" else [],
    }  # fmt: skip


def _shown(rows: list[dict[str, Any]], lines: list[Line], *, city: City) -> list[dict[str, Any]]:
    """Return for each case its row, whether it would change and how, or why not; those that would not come first."""
    names = _Names(city)
    shown = [
        {"row": row, "done": line.done, "why": "" if line.done else refusal(line), "changes": names.changes(line)}
        for row, line in zip(rows, lines, strict=True)
    ]
    return sorted(shown, key=lambda line: line["done"])


class _Names:
    """Puts what would change into words."""

    def __init__(self, city: City) -> None:
        self.policy, self.ground = city.policy_terms(), city_map(city)
        self.zone = self.policy.hours.zone
        self.people = queries_worklist.names_of_workers(city)

    def changes(self, line: Line) -> list[str]:
        """Return what would change, such as "Open → Taken"."""
        told = []
        for name, (before, after) in line.changes.items():
            say = {
                "state": lambda value: str(words.STATES[value]),
                "urgency": lambda value: str(words.URGENCIES[value]),
                "due_at": lambda value: words.moment(datetime.fromisoformat(value), zone=self.zone),
                "contractor_id": lambda value: self.people["contractor"].get(value, "–"),
                "crew_id": lambda value: self.people["crew"].get(value, "–"),
            }.get(name)
            if say is not None:
                told.append(f"{say(before)} → {say(after)}")
        return told
