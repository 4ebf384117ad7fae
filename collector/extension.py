"""`gasoline extension`: the folder of the browser extension, to be loaded as it is or packed into one file.

The folder lies beside the packages, in a checkout as in an installation.
"""

import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from collector.errors import ConfigError

MANIFEST_NAME = "manifest.json"
# What a checkout holds for the making of the extension; pyproject.toml leaves the same out of the wheel.
DEVELOPMENT_NAMES = frozenset(
    {"build.mjs", "eslint.config.js", "node_modules", "package-lock.json", "package.json", "tsconfig.json"}
)
_EARLIEST_TIME = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o644
_UNIX = 3


def extension_folder() -> Path:
    """Return the folder to load in the browser. Raises ConfigError if this installation has none."""
    folder = Path(__file__).resolve().parent.parent / "extension"
    if not (folder / MANIFEST_NAME).is_file():
        raise ConfigError(f"there is no browser extension in {folder}; install gasoline-otel again, from a wheel")
    return folder


def extension_files(folder: Path) -> Sequence[Path]:
    """Return the files that a browser needs, sorted, relative to `folder`: all but those of development."""
    found: list[Path] = []
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _belongs(name)]
        found.extend((Path(path) / name).relative_to(folder) for name in files if _belongs(name))
    return sorted(found)


def pack_extension(folder: Path, target: Path) -> None:
    """Write the extension to the zip file `target`, in the place of what is there.

    The same files give the same bytes. Raises ConfigError if the file cannot be written.
    """
    unfinished: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            unfinished = Path(file.name)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
                for path in extension_files(folder):
                    entry = zipfile.ZipInfo(path.as_posix(), _EARLIEST_TIME)
                    entry.create_system = _UNIX
                    entry.external_attr = _FILE_MODE << 16
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    packed.writestr(entry, (folder / path).read_bytes())
        unfinished.chmod(_FILE_MODE)
        unfinished.replace(target)
    except OSError as error:
        raise ConfigError(f"--zip {target}: cannot be written: {error.strerror or error}") from error
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)


def _belongs(name: str) -> bool:
    return name not in DEVELOPMENT_NAMES and not name.startswith((".", "__"))
