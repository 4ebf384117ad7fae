"""Whether a native kernel is there: they are compiled at installation, where there is a C compiler."""

from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def kernel(name: str) -> ModuleType | None:
    """Return the compiled module of this dotted name; None where it was not compiled.

    Raises ImportError if it is there and does not fit: it was compiled of other sources, so install again.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None
