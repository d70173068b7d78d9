"""Bytes between files and tensors, on several threads."""

from pathlib import Path
from queue import SimpleQueue

import pytest
import torch

from audit8.engine.lanes import PIECE_BYTES, BrokenFile, Lanes, Span
from tests.engine import tiny


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize("size", [1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES - 5])
def test_lanes_write_and_read_any_size(size: int, staged: bool, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(size + 7))
    tensor = torch.randint(-128, 128, (size,), dtype=torch.int8, device=tiny.DEVICE)
    again = torch.empty_like(tensor)
    steps: list[tuple[int, int]] = []
    with Lanes(tiny.DEVICE) as lanes:
        if staged:  # as on a GPU, where there is none: by way of fewer buffers than there are threads
            lanes._staging = SimpleQueue()
            lanes._staging.put(torch.empty(PIECE_BYTES, dtype=torch.uint8))
        written = lanes.write_summed([Span(path, 7, tensor)], lambda *_: None)
        assert lanes.read_summed([Span(path, 7, again)], lambda *step: steps.append(step)) == written
        assert torch.equal(tensor, again)
        with pytest.raises(BrokenFile, match="ends early"):
            lanes.read([Span(path, 8, again)])
    assert steps[-1] == (size, size)
    assert path.read_bytes()[:7] == bytes(7)
