"""The form that Prefect shows for the parameters of a flow."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from pydantic.fields import FieldInfo

F = TypeVar("F", bound=Callable[..., Any])


def explained(function: F) -> F:
    """Put the descriptions of annotated parameters into the docstring of a flow's function.

    Prefect keeps limits and choices of an annotation, but takes the words of its form from the docstring alone.
    """
    lines = []
    for name, hint in get_type_hints(function, include_extras=True).items():
        fields = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, FieldInfo)]
        words = next((field.description for field in fields if field.description), None)
        if words:
            lines.append(f"    {name}: {words}")
    function.__doc__ = "\n".join([inspect.getdoc(function) or "", "", "Args:", *lines])
    return function
