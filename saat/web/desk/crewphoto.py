"""A photo that a crew took on its round, for those who see the run."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from saat.records.models import Photo
from saat.records.queries_crew import note_for
from saat.web.desk.frame import desk_view, reach_for
from saat.web.photos import send_photo


@desk_view
@require_safe
def photo(request: HttpRequest, note_id: int, size: str) -> HttpResponseBase:
    """Show the photo of a crew's note."""
    note = note_for(reach_for(request), note_id)
    if note is None or not note.photo_digest:
        raise Http404
    return send_photo(request, Photo(pk=note.pk, digest=note.photo_digest), size=size)
