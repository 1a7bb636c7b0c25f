"""The Kotlin compiler that tests use, wherever there is one, and the JVM that runs what it made."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

_MAIN = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"
_BRIEFLY = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
"""For programs of seconds, in which what a JVM learns of them would come to bear too late."""

_NEEDED = (
    "needs a Kotlin compiler, and found {missing}: apt-get install default-jre-headless, and "
    "pip install kotlin-jupyter-kernel (its wheel carries the compiler) or put kotlinc on the PATH"
)


@dataclass(frozen=True, slots=True)
class KotlinCompiler:
    """A compiler: the command that starts it, and the standard library that its programs need."""

    command: Sequence[str]
    standard_library: Path

    def compile(self, sources: Iterable[Path], out: Path) -> str:
        """Compile files and folders of files into a folder of classes; return what the compiler said."""
        options = ["-no-stdlib", "-no-reflect", "-cp", str(self.standard_library), "-d", str(out)]
        done = subprocess.run(
            [*self.command, *options, *map(str, sources)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    def run(
        self,
        main: str,
        classpath: Sequence[Path],
        arguments: Sequence[str],
        folder: Path,
        properties: Mapping[str, object] | None = None,
    ) -> str:
        """Run a class of compiled programs in a folder; return what it printed."""
        path = os.pathsep.join(map(str, [*classpath, self.standard_library]))
        defined = [f"-D{name}={value}" for name, value in (properties or {}).items()]
        done = subprocess.run(
            [_java(), *_BRIEFLY, *defined, "-cp", path, main, *arguments],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def find_kotlin() -> KotlinCompiler:
    """Return the compiler of the PATH or of the wheel; skip the test, loudly, where there is none."""
    java = _java()
    script = shutil.which("kotlinc")
    if script is not None:
        library = Path(script).resolve().parents[1] / "lib" / "kotlin-stdlib.jar"
        if library.is_file():
            return KotlinCompiler([script], library)
    wheel = importlib.util.find_spec("run_kotlin_kernel")
    if wheel is None or wheel.origin is None:
        pytest.skip(_NEEDED.format(missing="none"))
    jars = sorted((Path(wheel.origin).parent / "jars").glob("*.jar"))
    (library,) = [jar for jar in jars if jar.name.startswith("kotlin-stdlib-")]
    return KotlinCompiler([java, *_BRIEFLY, "-cp", os.pathsep.join(map(str, jars)), _MAIN], library)


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        pytest.skip(_NEEDED.format(missing="no java"))
    return java
