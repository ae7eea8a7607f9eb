"""What is true of every request: one mechanism refuses what would not be honoured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.datastructures import MultiValueDict
from rest_framework import serializers

from talking_head.errors import InvalidInput

FORGERY_TOKEN = "csrfmiddlewaretoken"  # noqa: S105 - the name of Django's own field in forms of pages
JSON_TYPES: tuple[tuple[type[serializers.Field], Any, str], ...] = (
    (serializers.BooleanField, bool, "true or false"),
    (serializers.IntegerField, (int, float), "a number"),
    (serializers.FloatField, (int, float), "a number"),
    (serializers.CharField, str, "a text"),
    (serializers.ChoiceField, str, "a text"),
)


# The base of everything that a client sends. A field that would not be honoured is refused: a client that misspells
# one, or believes that it may set it, must not be told that all is well. (A docstring would describe every request.)
class RequestSerializer(serializers.Serializer):
    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields, then do what the base class does.

        Raises:
            InvalidInput: ``unknown_field``.
        """
        if isinstance(data, Mapping):
            refuse_unknown_fields(data, self.fields)
            if not isinstance(data, MultiValueDict):  # forms have nothing but texts
                self._refuse_other_types(data)
        return super().to_internal_value(data)

    def _refuse_other_types(self, data: Mapping[str, Any]) -> None:
        """Refuse what JSON can tell apart and Django REST framework would convert: 0 is no title, "no" no boolean."""
        for name, value in data.items():
            for kind, types, wanted in JSON_TYPES:
                if isinstance(self.fields[name], kind):
                    is_boolean = isinstance(value, bool)
                    if value is not None and (not isinstance(value, types) or is_boolean is not (types is bool)):
                        raise serializers.ValidationError({name: [f"This is not {wanted}."]})
                    break


def refuse_unknown_fields(data: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse a request with fields that would be ignored.

    Raises:
        InvalidInput: ``unknown_field``; the message names the first.
    """
    names = list(known)
    for name in data:
        if name not in names and name != FORGERY_TOKEN:
            shown = str(name)[:100].encode("utf-8", "replace").decode()
            hint = f"Leave it out. The fields are: {', '.join(names)}." if names else "Send an empty request."
            raise InvalidInput(f"There is no field “{shown}” here.", code="unknown_field", hint=hint)


def refuse_all_fields(data: Any) -> None:
    """Refuse fields in a request that takes none."""
    if isinstance(data, Mapping):
        refuse_unknown_fields(data, ())
