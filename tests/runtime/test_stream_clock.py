"""When frames of a stream arrived, told from the stream's own times."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.sources.stream_clock import STILL_S, CatchUp, PaceClock, StreamClock

INTERVAL_S = 1 / 30


def arrivals(clock: StreamClock, frames: list[tuple[float, float]]) -> list[float]:
    """Return how long each frame (read at, time of its own) is said to have waited."""
    return [read_s - clock.captured_s(read_s, position_s) for read_s, position_s in frames]


def test_frames_read_as_they_come_have_not_waited() -> None:
    waited = arrivals(StreamClock(), [(100 + n * INTERVAL_S, 7 + n * INTERVAL_S) for n in range(100)])
    assert waited == pytest.approx([0.0] * 100, abs=1e-6)


def test_what_comes_late_is_as_old_as_it_is() -> None:
    on_time = [(n * INTERVAL_S, n * INTERVAL_S) for n in range(30)]
    # The network stood still for two seconds; then all of it came at once.
    burst = [(3.0, n * INTERVAL_S) for n in range(30, 90)]
    waited = arrivals(StreamClock(), on_time + burst)
    assert waited[30:] == pytest.approx([3.0 - n * INTERVAL_S for n in range(30, 90)], abs=0.01)


def test_what_queued_before_the_first_frame_is_caught_up_with() -> None:
    queued = [(0.001 * n, n * INTERVAL_S) for n in range(30)]
    on_time = [(n * INTERVAL_S - 0.9, n * INTERVAL_S) for n in range(30, 60)]
    assert arrivals(StreamClock(), queued + on_time)[30:] == pytest.approx([0.0] * 30, abs=0.07)


@pytest.mark.parametrize("drift", [-1e-4, 1e-4])
def test_a_clock_that_goes_wrong_by_a_second_in_hours_does_no_harm(drift: float) -> None:
    day = [(float(second), second * (1 + drift)) for second in range(0, 86_400, 10)]
    assert max(arrivals(StreamClock(), day)) < 0.02


@pytest.mark.parametrize("jump_s", [-3600.0, -0.5, 25.0, 1e6])
def test_times_that_jump_are_no_age(jump_s: float) -> None:
    before = [(n * INTERVAL_S, n * INTERVAL_S) for n in range(30)]
    after = [(n * INTERVAL_S, n * INTERVAL_S + jump_s) for n in range(30, 60)]
    assert arrivals(StreamClock(), before + after) == pytest.approx([0.0] * 60, abs=1e-6)


def test_a_stream_without_times_is_as_old_as_its_reading() -> None:
    assert arrivals(StreamClock(holds_one=True), [(n * INTERVAL_S, 0.0) for n in range(9)]) == [0.0] * 9


def test_a_frame_that_is_held_until_the_next_one_begins_is_an_interval_older() -> None:
    waited = arrivals(StreamClock(holds_one=True), [(n * INTERVAL_S, n * INTERVAL_S) for n in range(30)])
    assert waited[1:] == pytest.approx([INTERVAL_S] * 29, abs=1e-6)
    slow = arrivals(StreamClock(holds_one=True), [(5.0 * n, 5.0 * n) for n in range(3)])
    assert slow[2] == pytest.approx(0.2), "a stream of a frame every five seconds is not five seconds old"


def caught_up_after(frames: list[tuple[float, float]]) -> int | None:
    catch_up = CatchUp()
    return next((count for count, frame in enumerate(frames, 1) if catch_up.done(*frame)), None)


def test_frames_that_come_at_their_own_pace_are_new() -> None:
    assert caught_up_after([(n * INTERVAL_S, n * INTERVAL_S) for n in range(30)]) == 5
    assert caught_up_after([(n * 3 * INTERVAL_S, n * INTERVAL_S) for n in range(30)]) == 5


def test_what_queued_up_is_waited_for_whatever_delays_one_frame() -> None:
    read_s = [0.003 * n + (0.04 if n > 10 else 0.0) for n in range(30)]
    queued = [(read, n * INTERVAL_S) for n, read in enumerate(read_s)]
    live = [(0.2 + n * INTERVAL_S, (30 + n) * INTERVAL_S) for n in range(30)]
    assert caught_up_after(queued) is None
    assert 31 <= (caught_up_after(queued + live) or 0) <= 35


def test_positions_that_begin_again_are_not_a_slow_stream() -> None:
    queued = [(0.001 * n, (n % 4) * INTERVAL_S) for n in range(20)]
    assert caught_up_after(queued) is None


# --- frames without times ----------------------------------------------------------------------------------

SAID_S = 1 / 25
"""What FFmpeg says of every MJPEG stream."""


def by_pace(reads_s: list[float]) -> list[float]:
    """Return how long each frame is said to have waited."""
    clock = PaceClock(SAID_S)
    return [read_s - clock.captured_s(read_s) for read_s in reads_s]


def on_time(begin_s: float, frames: int, fps: float) -> list[float]:
    return [begin_s + n / fps for n in range(frames)]


@pytest.mark.parametrize("fps", [0.5, 1, 5, 15, 30, 60])
def test_frames_without_times_that_come_at_their_pace_are_new(fps: float) -> None:
    # Of a stream as slow as 1 frame a second, the first one could be one that the network held.
    assert by_pace(on_time(0, 60, fps))[2:] == [0.0] * 58


@pytest.mark.parametrize("fps", [2, 5, 10, 25, 30, 60])
@pytest.mark.parametrize("piece_s", [0.2, 1.0, 4.0])
def test_of_a_stream_that_comes_in_pieces_the_end_of_each_is_new(fps: int, piece_s: float) -> None:
    frames = max(2, round(fps * piece_s))
    waited = by_pace([frames / fps * piece + 0.001 * n for piece in range(60) for n in range(frames)])
    newest = [min(waited[begin : begin + frames]) for begin in range(0, len(waited), frames)]
    assert sum(one < STILL_S + 1 / fps for one in newest[10:]) > 40
    assert max(waited[10 * frames :]) < 5 * max(piece_s, 1)


@pytest.mark.parametrize("fps", [1, 5, 15, 30, 60])
@pytest.mark.parametrize("per_frame_s", [0.001, 0.005])
def test_what_waited_in_a_network_that_stood_still_is_as_old_as_it_is(fps: float, per_frame_s: float) -> None:
    before = on_time(0, 60, fps)
    waiting = int(3.5 * fps)
    made = on_time(60 / fps, waiting, fps)
    came = [made[-1] + 0.001 + per_frame_s * n for n in range(waiting)]
    after = on_time(max(came[-1], made[-1]) + 1 / fps, 60, fps)
    waited = by_pace([*before, *came, *after])
    true = [came_s - made_s for came_s, made_s in zip(came, made, strict=True)]
    assert waited[60 : 60 + waiting] == pytest.approx(true, abs=1.1 / fps)
    assert waited[60 + waiting + 5 :] == [0.0] * 55


@pytest.mark.parametrize(("fps", "doubtful"), [(1, 1), (5, 1), (30, 4), (60, 4)])
def test_a_camera_that_paused_sends_new_frames(fps: float, doubtful: int) -> None:
    waited = by_pace([*on_time(0, 60, fps), *on_time(63 + 60 / fps, 60, fps)])
    assert sum(one > 0 for one in waited[60:]) == doubtful


def test_a_camera_that_becomes_slow_or_fast_goes_on_being_new() -> None:
    reads_s = [*on_time(0, 60, 30), *on_time(3, 60, 1), *on_time(63, 60, 30)]
    assert sum(one > 0 for one in by_pace(reads_s)) <= 2


def test_a_network_that_stands_still_twice_is_waited_for_twice() -> None:
    reads_s = [
        *on_time(0, 60, 30),
        *[4.0 + 0.001 * n for n in range(10)],
        *[6.0 + 0.001 * n for n in range(120)],
    ]
    assert by_pace(reads_s)[70] == pytest.approx(6.0 - 70 / 30, abs=0.1)


@given(steps_s=st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_frames_without_times_arrive_in_their_order_and_before_they_are_read(steps_s: list[float]) -> None:
    clock = PaceClock(SAID_S)
    reads_s = list(itertools.accumulate(steps_s))
    captured = [clock.captured_s(read_s) for read_s in reads_s]
    assert all(before <= one + 1e-6 for before, one in itertools.pairwise(captured))
    assert all(one <= read_s for one, read_s in zip(captured, reads_s, strict=True))


# --- any frames --------------------------------------------------------------------------------------------

steps = st.lists(st.tuples(st.floats(0, 30), st.floats(-5, 30)), min_size=1, max_size=40)


@given(steps=steps, holds_one=st.booleans())
def test_frames_arrive_in_their_order_and_before_they_are_read(
    steps: list[tuple[float, float]], holds_one: bool
) -> None:
    clock = StreamClock(holds_one=holds_one)
    reads = list(itertools.accumulate(read_s for read_s, _ in steps))
    positions = list(itertools.accumulate(position_s for _, position_s in steps))
    captured = [clock.captured_s(*frame) for frame in zip(reads, positions, strict=True)]
    assert captured == sorted(captured)
    assert all(one <= read_s + 1e-6 for one, read_s in zip(captured, reads, strict=True))
