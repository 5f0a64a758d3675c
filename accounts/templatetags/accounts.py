"""What every form of a customer carries."""

from typing import Any

from django import template
from django.utils.html import format_html

register = template.Library()


@register.simple_tag(takes_context=True)
def form_fields(context: dict[str, Any]) -> str:
    """
    The token against forgery, and the account the page was written for: a form acts on that one and no other, whatever
    the browser's other tabs have switched to meanwhile.
    """
    token = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', context.get("csrf_token", ""))
    nichandle = context.get("nichandle")
    if nichandle is None:
        return token
    return token + format_html('<input type="hidden" name="account" value="{}">', nichandle.nichandle)
