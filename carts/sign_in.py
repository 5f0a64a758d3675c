"""Whoever signs in keeps what they had chosen before."""

import uuid
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from carts import actions


@receiver(user_logged_in, dispatch_uid="carts.sign_in")
def _adopt(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    visitor = request.session.pop(actions.VISITOR, None)
    if visitor and user.nichandle is not None:
        actions.adopt(user.nichandle, uuid.UUID(visitor))
