"""Which files an iOS bundle consists of."""

from __future__ import annotations

from hangtag.errors import ConversionError
from hangtag.model_file import label_files
from hangtag_convert.mobile.facts import MobileFacts
from hangtag_convert.mobile.literals import swift_string
from hangtag_convert.mobile.render import Renderer
from hangtag_convert.mobile.values import Language, common_values


def _camel_case(words: str) -> str:
    first, *rest = words.split("-")
    return first + "".join(word.capitalize() for word in rest)


_SWIFT = Language(
    string=swift_string,
    null="nil",
    member=_camel_case,
    entry=lambda key, value: f"{key}: {value}",
    empty=":",
)
_PURE = (
    *("ModelContract.swift", "ContractTypes.swift", "Frame.swift", "RegionOfInterest.swift"),
    *("Preprocessor.swift", "Scores.swift", "Labels.swift", "Sha256.swift"),
)
_APP = ("FrameClassifier.swift", "LiteRTClassifier.swift", "CameraController.swift", "CameraView.swift")
_MEDIAPIPE_POD = "  # pod 'MediaPipeTasksVision', '1.0.0'     # MediaPipeClassifier\n"
_MEDIAPIPE_CHOICE = """\
            #elseif canImport(MediaPipeTasksVision)
            let classifier = try MediaPipeClassifier()
"""
_MEDIAPIPE_ROW = """\
| `MediaPipeClassifier.swift` | the model on MediaPipe Tasks, its region of interest built in |
"""
_MEDIAPIPE_TEST = """\
    #if canImport(MediaPipeTasksVision)
    func testMediaPipeComputesTheSameScoresOnPreparedPixels() throws {
        let classifier = try MediaPipeClassifier()
        let golden = try GoldenCases.read()
        for goldenCase in golden.cases {
            let prepared = try XCTUnwrap(UIImage(data: Data(try goldenBytes(goldenCase.prepared))))
            let scores = try classifier.scores(upright: uprightPixels(prepared))
            assertSame(scores, goldenCase.scores, golden.scoreTolerance, goldenCase.name)
        }
    }
    #endif

"""


def ios_files(facts: MobileFacts, golden: dict[str, bytes]) -> dict[str, bytes]:
    """Return every file of the bundle by its path, with slashes.

    Args:
        facts: the model.
        golden: the golden cases' files by name.

    Raises:
        ConversionError: no library for iOS takes the model's tensors.
    """
    spec, output = facts.contract.input, facts.contract.output
    if "int8" in {spec.tensor.dtype, output.tensor.dtype}:
        raise ConversionError(
            f"{facts.model.name} has int8 tensors outside, which the libraries for iOS do not take; "
            "convert it with uint8 or float32 input and output"
        )
    renderer = Renderer("ios", _values(facts))
    app = [*_APP, "MediaPipeClassifier.swift"] if facts.why_no_mediapipe is None else _APP
    templates = {
        **{name: name for name in ("README.md", "Podfile", "Package.swift")},
        **{f"Sources/Pure/{name}": name for name in _PURE},
        **{f"Sources/App/{name}": name for name in app},
        **{f"Tests/Pure/{name}": name for name in ("GoldenCases.swift", "PreprocessingGoldenTests.swift")},
        "Tests/App/ScoresGoldenTests.swift": "ScoresGoldenTests.swift",
    }
    files = {path: renderer.text(template) for path, template in templates.items()}
    renderer.check_all_used()
    files |= {f"Resources/{name}": data for name, data in label_files(facts.contract).items()}
    files |= {f"Tests/Pure/golden/{name}": data for name, data in golden.items()}
    files[f"Resources/{facts.slug}.tflite"] = facts.model.data
    return files


def _values(facts: MobileFacts) -> dict[str, str]:
    """Return what stands in the templates, written as Swift (or Markdown, in the README)."""
    mediapipe = facts.why_no_mediapipe is None
    return {
        **common_values(facts, _SWIFT),
        "MODEL_FILE": f"{facts.slug}.tflite",
        "MODEL_FILE_LITERAL": swift_string(f"{facts.slug}.tflite"),
        "MEDIAPIPE_POD": _MEDIAPIPE_POD if mediapipe else "",
        "MEDIAPIPE_CHOICE": _MEDIAPIPE_CHOICE if mediapipe else "",
        "MEDIAPIPE_ROW": _MEDIAPIPE_ROW if mediapipe else "",
        "MEDIAPIPE_TEST": _MEDIAPIPE_TEST if mediapipe else "",
    }
