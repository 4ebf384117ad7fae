"""The build hook: a kernel that does not compile is left out, also where one of older sources was compiled before."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = """
from pathlib import Path
from hatch_build import KernelBuildHook

data = {"artifacts": []}
KernelBuildHook(str(Path.cwd()), {}, None, None, "", "wheel").initialize("standard", data)
print(*[path.split(".")[0] for path in data["artifacts"]])
"""


def built(folder: Path, compiler: str = "cc") -> str:
    command = [sys.executable, "-W", "ignore", "-c", BUILD]
    environment = os.environ | {"CC": compiler}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.skipif(shutil.which("cc") is None, reason="kernels are compiled where there is a C compiler")
def test_a_kernel_of_older_sources_does_not_stay_where_the_new_ones_do_not_compile(root: Path, tmp_path: Path) -> None:
    shutil.copy(root / "hatch_build.py", tmp_path)
    (tmp_path / "collector").mkdir()
    (tmp_path / "collector" / "__init__.py").touch()
    source = tmp_path / "collector" / "tiny.pyx"
    source.write_text("# cython: language_level=3\nANSWER = 1\n")
    assert built(tmp_path) == "/collector/tiny"
    # Not compiled again: it is as new as its source.
    assert built(tmp_path, compiler="false") == "/collector/tiny"
    source.write_text("# cython: language_level=3\nANSWER = 2\n")
    assert built(tmp_path, compiler="false") == ""
    assert list((tmp_path / "collector").glob("*.so")) == []
    assert built(tmp_path) == "/collector/tiny"
