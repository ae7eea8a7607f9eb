"""What engines ask of the device they run on."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from talking_head.engines import torch_device  # noqa: E402 - needs torch
from talking_head.engines.face.sadtalker.fast import speed  # noqa: E402


def test_the_quickest_of_several_runs_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([9.0, 3.0, 2.0, 4.0, 3.0, 5.0])  # the first one only warms up
    monkeypatch.setattr(torch_device, "_timed", lambda x, weight: next(taken))
    assert torch_device.seconds_per_gflop() == pytest.approx(2.0 / 4.83, rel=1e-2)


def test_a_real_device_takes_some_time() -> None:
    assert 0 < torch_device.seconds_per_gflop() < 10


@pytest.mark.parametrize(
    ("has_gpu", "asked"), [(True, ("cuda", torch.float16)), (False, ("cpu", torch.float32))], ids=["gpu", "cpu"]
)
def test_a_frame_is_estimated_where_and_as_it_would_be_drawn(
    monkeypatch: pytest.MonkeyPatch, has_gpu: bool, asked: tuple[str, Any]
) -> None:
    probed = []

    def probe(device: str = "cpu", dtype: Any = torch.float32) -> float:
        probed.append((device, dtype))
        return 0.001

    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr(speed, "seconds_per_gflop", probe)
    small, large = (speed.estimated_seconds_per_frame(side_px) for side_px in (256, 512))
    assert probed == [asked] * 2
    assert large == pytest.approx(4 * small)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_want_of_memory_is_told_from_other_failures(error: RuntimeError, expected: bool) -> None:
    assert torch_device.is_out_of_memory(error) is expected
