"""Who is signed in: read at every request, and therefore by statements that are made once."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend
from django.contrib.sessions.backends import db
from django.utils import timezone

from saat.records import quick
from saat.records.models import User


class AuthenticationBackend(AllauthBackend):
    """Signs in as allauth does, and reads the person of a session by one statement that is made once."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the person of a session, None if there is none any more or the account was closed."""
        found = quick.rows(User, "WHERE id = %s", [User._meta.pk.to_python(user_id)])
        return found[0] if found and self.user_can_authenticate(found[0]) else None


class SessionStore(db.SessionStore):
    """Django's sessions in the database, read by one statement that is made once."""

    def _get_session_from_db(self) -> Any:
        where = "WHERE session_key = %s AND expire_date > %s"
        found = quick.rows(self.model, where, [self.session_key, quick.moment(timezone.now())])
        if found:
            return found[0]
        self._session_key = None
        return None
