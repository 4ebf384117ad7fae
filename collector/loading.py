"""How packages are loaded when somebody waits for the process to be there."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Generator[None]:
    """Load packages without looking for garbage: there is none among classes, and looking costs a tenth of the time.

    What was loaded is never looked at again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def build_models_when_used() -> None:
    """Let pydantic build what checks a class of messages at its first message; call it before they are loaded.

    MCP has 370 such classes, in two eras; a conversation uses a tenth of them.
    https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
    """
    from pydantic import BaseModel, ConfigDict

    BaseModel.model_config = ConfigDict(defer_build=True)
