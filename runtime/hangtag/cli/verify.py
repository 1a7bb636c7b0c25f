"""``hangtag verify``."""

from __future__ import annotations

from pathlib import Path

import click

from hangtag.cli.options import load_classifier, model_options


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@model_options
def verify(model: Path | None, *, model_path: Path | None, threads: int, engine: str) -> None:
    """Prove that this device prepares and computes what the trainer did, by MODEL's golden cases.

    Tensors must be the same to the byte, scores within the tolerance that the model states.
    """
    from hangtag.calibration import what_decides
    from hangtag.errors import ModelFileError, VerificationFailed
    from hangtag.verification import failure, verify_cases

    if model is not None and model_path is not None:
        raise click.UsageError("give the model once: as MODEL or as --model")
    classifier = load_classifier(model or model_path, threads, engine)
    results = verify_cases(classifier)
    if not results:
        raise ModelFileError(f"{classifier.model.name} carries no golden cases; convert it again to get them")
    for result in results:
        tensor = "tensor identical" if result.same_tensor else "TENSOR DIFFERS"
        within = "within" if result.worst_difference <= result.tolerance else "BEYOND"
        click.echo(
            f"{result.name}: {tensor}; scores differ by at most {result.worst_difference:.6f}, "
            f"{within} {result.tolerance:.6f}"
        )
    failed = failure(results, engine)
    if failed is not None:
        raise VerificationFailed(f"{classifier.model.name}: {failed}")
    click.echo(f"unknown: {what_decides(classifier.contract.calibration)}", err=True)
    click.echo(f"{len(results)} golden cases passed: {classifier.model.name}", err=True)
