"""Which files an Android bundle consists of."""

from __future__ import annotations

from hangtag.model_file import label_files
from hangtag_convert.mobile.facts import MobileFacts
from hangtag_convert.mobile.literals import kotlin_string
from hangtag_convert.mobile.render import Renderer
from hangtag_convert.mobile.values import Language, common_values

_KOTLIN = Language(
    string=kotlin_string,
    null="null",
    member=lambda word: word.upper().replace("-", "_"),
    entry=lambda key, value: f"{key} to {value}",
    empty="",
)
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
    mediapipe, asset = facts.why_no_mediapipe is None, f"{facts.slug}/{facts.slug}.tflite"
    return {
        **common_values(facts, _KOTLIN),
        "PACKAGE": package,
        "PACKAGE_LITERAL": kotlin_string(package),
        "SLUG": facts.slug,
        "SLUG_LITERAL": kotlin_string(facts.slug),
        "MODEL_ASSET": asset,
        "MODEL_ASSET_LITERAL": kotlin_string(asset),
        "LABELS_FOLDER": kotlin_string(facts.slug),
        "MEDIAPIPE_DEPENDENCY": _MEDIAPIPE_DEPENDENCY if mediapipe else "",
        "MEDIAPIPE_ROW": _MEDIAPIPE_ROW if mediapipe else "",
    }
