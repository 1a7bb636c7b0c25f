"""Which files an Android bundle consists of."""

from __future__ import annotations

import hashlib

from hangtag.contract import TensorFormat
from hangtag.model_file import LABELS_NAME, label_files
from hangtag_convert.mobile.facts import (
    MobileFacts,
    geometry_sentence,
    mediapipe_sentence,
    region_advice,
)
from hangtag_convert.mobile.literals import kotlin_string, markdown, number, numbers
from hangtag_convert.mobile.render import Renderer

_MAIN = (
    *(
        "ModelContract.kt",
        "ContractTypes.kt",
        "Frame.kt",
        "RegionOfInterest.kt",
        "Preprocessor.kt",
        "Scores.kt",
    ),
    *("Labels.kt", "FrameClassifier.kt", "LiteRtClassifier.kt", "CameraAnalyzer.kt", "CameraActivity.kt"),
)
_PROJECT = {
    "README.md": "README.md",
    "settings.gradle.kts": "settings.gradle.kts",
    "build.gradle.kts": "build.gradle.kts",
    "gradle.properties": "gradle.properties",
    "app/build.gradle.kts": "app.build.gradle.kts",
    "app/src/main/AndroidManifest.xml": "AndroidManifest.xml",
}
_MEDIAPIPE_DEPENDENCY = """\
    // The task that MediaPipeClassifier runs the model on.
    implementation("com.google.mediapipe:tasks-vision:1.0.0")
"""
_MEDIAPIPE_ROW = """\
| `MediaPipeClassifier.kt` | the model on MediaPipe Tasks, its region of interest built in |
"""


def default_package(facts: MobileFacts) -> str:
    """Return the Kotlin package of the source where the user names none."""
    return f"dev.hangtag.{facts.slug}"


def android_files(facts: MobileFacts, golden: dict[str, bytes], package: str) -> dict[str, bytes]:
    """Return every file of the bundle by its path, with slashes.

    Args:
        facts: the model.
        golden: the golden cases' files by name.
        package: the Kotlin package of the source, checked.
    """
    renderer = Renderer("android", _values(facts, package))
    folder = package.replace(".", "/")
    main, unit = f"app/src/main/kotlin/{folder}", f"app/src/test/kotlin/{folder}"
    shared, device = f"app/src/sharedTest/kotlin/{folder}", f"app/src/androidTest/kotlin/{folder}"
    templates = {**_PROJECT, **{f"{main}/{name}": name for name in _MAIN}}
    templates[f"{shared}/GoldenCases.kt"] = "GoldenCases.kt"
    templates[f"{unit}/PreprocessingGoldenTest.kt"] = "PreprocessingGoldenTest.kt"
    templates[f"{device}/ScoresGoldenTest.kt"] = "ScoresGoldenTest.kt"
    if facts.why_no_mediapipe is None:
        templates[f"{main}/MediaPipeClassifier.kt"] = "MediaPipeClassifier.kt"
        templates[f"{device}/MediaPipeGoldenTest.kt"] = "MediaPipeGoldenTest.kt"
    assets = f"app/src/main/assets/{facts.slug}"
    files = {path: renderer.text(template) for path, template in templates.items()}
    renderer.check_all_used()
    files |= {f"{assets}/{name}": data for name, data in label_files(facts.contract).items()}
    files |= {f"app/src/sharedTest/resources/golden/{name}": data for name, data in golden.items()}
    files[f"{assets}/{facts.slug}.tflite"] = facts.model.data
    return files


def _values(facts: MobileFacts, package: str) -> dict[str, str]:
    """Return what stands in the templates, written as Kotlin (or Markdown, in the README)."""
    contract, mediapipe = facts.contract, facts.why_no_mediapipe is None
    spec, output = contract.input, contract.output
    asset = f"{facts.slug}/{facts.slug}.tflite"
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in label_files(contract).items()}
    labels_sha256 = digests.pop(LABELS_NAME)
    translated = {name.removeprefix("labels-").removesuffix(".txt"): sha for name, sha in digests.items()}
    return {
        "PACKAGE": package,
        "PACKAGE_LITERAL": kotlin_string(package),
        "SLUG": facts.slug,
        "SLUG_LITERAL": kotlin_string(facts.slug),
        "NAME": kotlin_string(contract.name),
        "MODEL_ASSET": asset,
        "MODEL_ASSET_LITERAL": kotlin_string(asset),
        "MODEL_SHA256": kotlin_string(hashlib.sha256(facts.model.data).hexdigest()),
        "WIDTH_PX": str(spec.width_px),
        "HEIGHT_PX": str(spec.height_px),
        "COLOUR_ORDER": spec.colour_order.name,
        "GEOMETRY": spec.geometry.name,
        "PAD_VALUE": str(spec.pad_value),
        "MEAN": numbers(spec.mean),
        "STD": numbers(spec.std),
        **_tensor("INPUT", spec.tensor),
        "OUTPUT_KIND": output.kind.name,
        **_tensor("OUTPUT", output.tensor),
        "UNKNOWN_THRESHOLD": number(contract.calibration.unknown_threshold, "null"),
        "LABELS_FOLDER": kotlin_string(facts.slug),
        "LABEL_COUNT": str(len(contract.labels)),
        "LABELS_SHA256": kotlin_string(labels_sha256),
        "TRANSLATIONS_SHA256": ", ".join(
            f"{kotlin_string(locale)} to {kotlin_string(sha)}" for locale, sha in translated.items()
        ),
        "MEDIAPIPE_DEPENDENCY": _MEDIAPIPE_DEPENDENCY if mediapipe else "",
        "TITLE": markdown(contract.name),
        "GEOMETRY_SENTENCE": geometry_sentence(contract),
        "REGION_ADVICE": region_advice(contract),
        "MEDIAPIPE_ROW": _MEDIAPIPE_ROW if mediapipe else "",
        "MEDIAPIPE_SENTENCE": mediapipe_sentence(facts),
        "NOTE": "" if facts.note is None else f"\n{facts.note}\n",
    }


def _tensor(role: str, tensor: TensorFormat) -> dict[str, str]:
    return {
        f"{role}_TYPE": tensor.dtype.upper(),
        f"{role}_SCALE": number(tensor.scale, "null"),
        f"{role}_ZERO_POINT": str(tensor.zero_point),
    }
