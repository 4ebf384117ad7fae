"""The one error tree.

GasolineError
├── ConfigError               the configuration or a flag is wrong; nothing was started
├── StoreError                the data folder cannot be used
│   ├── StoreLockedError      another collector writes it
│   ├── StoreNewerError       a newer version wrote it
│   └── StoreUnavailableError it cannot be read or written
├── RefusedError              an export request is answered with an error; carries the wire codes
│   ├── InvalidDataError      400 / INVALID_ARGUMENT, not retryable
│   ├── UnauthenticatedError  401 / UNAUTHENTICATED, not retryable
│   ├── ForbiddenError        403 / PERMISSION_DENIED, not retryable
│   │   └── ForbiddenHostError
│   ├── NotFoundError         404 / UNIMPLEMENTED, not retryable
│   │   └── NoPathError
│   ├── MethodNotAllowedError 405 / UNIMPLEMENTED, not retryable
│   ├── UnsupportedMediaError 415 / UNIMPLEMENTED, not retryable
│   ├── TooLargeError         413 / RESOURCE_EXHAUSTED, not retryable
│   ├── ResponseTooLargeError 500 / RESOURCE_EXHAUSTED, not retryable
│   └── BusyError             503 / UNAVAILABLE, retryable after `retry_after_s`
└── QueryError                a question cannot be answered as asked; the message names a valid call

The wire codes follow the OTLP specification, "Failures" for each transport:
https://opentelemetry.io/docs/specs/otlp/
"""

import re
from typing import ClassVar


class GasolineError(Exception):
    """Base of every error that is raised on purpose; its text is meant for the reader."""


class ConfigError(GasolineError):
    """The configuration or a flag is wrong; the text names the key path and what would be valid."""


class StoreError(GasolineError):
    """The data folder cannot be used; the text names the folder and what to do."""


class StoreLockedError(StoreError):
    """Another collector holds the lock of the data folder."""


class StoreNewerError(StoreError):
    """The data folder was written by a newer version of Gasoline."""


class StoreUnavailableError(StoreError):
    """The data folder cannot be created, read or written."""


class RefusedError(GasolineError):
    """An export request is refused; subclasses carry the codes that go on the wire."""

    http_status: ClassVar[int] = 400
    grpc_code: ClassVar[int] = 3
    retry_after_s: float | None = None

    @property
    def reason(self) -> str:
        """What it is counted under: the error's name in lower case, unless it knows more exactly."""
        name = type(self).__name__.removesuffix("Error")
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class InvalidDataError(RefusedError):
    """The bytes are not what their content type says."""

    http_status = 400
    grpc_code = 3


class UnauthenticatedError(RefusedError):
    """The bearer token is missing or wrong."""

    http_status = 401
    grpc_code = 16


class ForbiddenError(RefusedError):
    """The request comes from a web page that may not send here."""

    http_status = 403
    grpc_code = 7


class ForbiddenHostError(ForbiddenError):
    """The request is meant for a host name that is not this machine."""


class NotFoundError(RefusedError):
    """The path is none that OTLP/HTTP names."""

    http_status = 404
    grpc_code = 12


class NoPathError(NotFoundError):
    """The path is `/`: to the endpoint of one signal SDKs add nothing."""


class MethodNotAllowedError(RefusedError):
    """The method is none that OTLP/HTTP names."""

    http_status = 405
    grpc_code = 12


class UnsupportedMediaError(RefusedError):
    """The content type or content encoding is none that OTLP names."""

    http_status = 415
    grpc_code = 12


class TooLargeError(RefusedError):
    """The body is over its limit, before or after decompression; never retryable."""

    http_status = 413
    grpc_code = 8


class ResponseTooLargeError(RefusedError):
    """The answer does not fit into the configured limit, even without its text."""

    http_status = 500
    grpc_code = 8


class BusyError(RefusedError):
    """There is no room just now; the sender keeps the data and comes back. It names what there is no room in."""

    http_status = 503
    grpc_code = 14

    def __init__(self, message: str, retry_after_s: float = 1.0, *, limit: str = "") -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self._limit = limit

    @property
    def reason(self) -> str:
        """`busy`, or `busy_` and the name of the limit that was reached."""
        return f"busy_{self._limit}" if self._limit else "busy"


class QueryError(GasolineError):
    """A question cannot be answered as asked; the text says why and names a valid next call."""
