"""Compiles the native kernels when Gasoline is installed; where there is no C compiler it goes without them."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = "collector/**/*.pyx"
GENERATED = "build/kernels"


class KernelBuildHook(BuildHookInterface):  # pyright: ignore[reportMissingTypeArgument] generic in name only
    """Puts each compiled kernel beside its source, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See BuildHookInterface; runs before a wheel or an editable install is made."""
        from Cython.Build import cythonize
        from setuptools import Distribution
        from setuptools.command.build_ext import build_ext

        del version
        extensions = cythonize(KERNELS, build_dir=GENERATED, quiet=True)
        for extension in extensions:
            # A compiler that is missing or fails is a warning: the pure twins do the same, only slower.
            extension.optional = True
        command = build_ext(Distribution({"ext_modules": extensions}))
        command.inplace = True
        command.build_temp = GENERATED
        command.ensure_finalized()
        paths = [Path(command.get_ext_fullpath(extension.name)).resolve() for extension in extensions]
        for extension, path in zip(extensions, paths, strict=True):
            # One of older sources must not stay where the new ones do not compile, nor be copied from what was built.
            path.unlink(missing_ok=True)
            before = Path(command.build_lib, command.get_ext_filename(extension.name))
            sources = [Path(source) for source in (*extension.sources, *extension.depends)]
            if before.exists() and any(source.stat().st_mtime > before.stat().st_mtime for source in sources):
                before.unlink()
        command.run()
        built = [f"/{path.relative_to(self.root).as_posix()}" for path in paths if path.exists()]
        if built:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["artifacts"] += built
