"""What is asked for: which model, how long and how often, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model a row is about, without saying where on this machine it lies.

    ``contract_sha256`` is the digest of its contract's JSON: the same pixels, labels and calibration.
    """

    file_name: str
    size_bytes: int
    sha256: str
    contract_sha256: str
    name: str
    input_dtype: str
    input_wh: tuple[int, int]

    @property
    def short_name(self) -> str:
        """What tables and conditions call it."""
        return short_name(self.file_name)


def short_name(file_name: str) -> str:
    """Return what tables and conditions call a model: its file's name without the ending."""
    return file_name.rpartition(".")[0] or file_name


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """What one block does: a process of its own that opens the model and runs it for a while.

    A phase goes on until both its seconds and its runs are reached.

    Args:
        warmup_s: forgotten invocations before anything is kept, at least so long.
        warmup_runs: and at least so many.
        invoke_s: bare invocations that are kept.
        invoke_runs: and at least so many.
        pipeline_s: the way from frame to label, and as long again step by step; what has no steps takes
            ``invoke_s`` for it.
        pipeline_runs: and at least so many of each.
    """

    warmup_s: float = 0.5
    warmup_runs: int = 10
    invoke_s: float = 3.0
    invoke_runs: int = 52
    pipeline_s: float = 0.5
    pipeline_runs: int = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How many rounds of blocks, and when that is enough.

    Args:
        block: what each block does.
        rounds: most rounds; each holds a block of every target.
        least_rounds: rounds before it may end early.
        enough_width: ends once the 95 % interval of every median is narrower than this share of it; None
            never ends early.
        quick: a first impression, comparable with nothing.
    """

    block: BlockPlan = field(default_factory=BlockPlan)
    rounds: int = 20
    least_rounds: int = 12
    enough_width: float | None = 0.02
    quick: bool = False


QUICK_PLAN = Plan(
    BlockPlan(invoke_s=0.8, invoke_runs=30, pipeline_s=0.15, pipeline_runs=8),
    rounds=6,
    enough_width=None,
    quick=True,
)


@dataclass(frozen=True, slots=True)
class Job:
    """What one child process does; ``plan`` None opens the model and measures nothing.

    Args:
        engine: a name of the table in :mod:`hangtag_benchmarks.engines.registry`.
        model_path: the model's file; None is the bundled model.
        threads: CPU threads of one invocation.
        frames_path: a .npy file of BGR uint8 frames, shape (frames, height, width, 3).
        plan: what to time.
        check_paths: pictures to compare outputs on, besides the frames.
        photos: a data set's folder and split to score instead of timing anything.
    """

    engine: str
    model_path: str | None
    threads: int
    frames_path: str
    plan: BlockPlan | None
    check_paths: tuple[str, ...] = ()
    photos: tuple[str, str] | None = None
