"""Every place's distribution, part by part, is the one that the whole model gives; windows lie evenly over the text."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from audit8.engine import likelihood
from audit8.engine.fake import FakeEngine
from audit8.engine.stock import StockExecutor
from audit8.errors import EngineFailure, OutOfMemory
from tests.engine import tiny

WINDOWS = torch.randint(256, (9, 66), generator=torch.Generator().manual_seed(1))  # more than ROWS, more than a page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save("qwen2", tmp_path_factory.mktemp("qwen2"))


def test_windows_are_even_and_never_overlap() -> None:
    windows = likelihood.windows_of(range(100), 3, 20)
    assert windows.tolist() == [list(range(first, first + 20)) for first in (0, 33, 66)]
    with pytest.raises(ValueError, match="too few"):
        likelihood.windows_of(range(100), 3, 34)


def test_the_decoder_gives_every_place_what_the_float32_model_gives(folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    exact = likelihood.gather(likelihood.model_parts(model, WINDOWS), WINDOWS)
    with torch.inference_mode():
        assert torch.allclose(exact, model(WINDOWS).logits.log_softmax(-1), atol=1e-4)
    executor, _ = tiny.make_executor(tiny.read_weights(folder))
    ours = likelihood.gather(likelihood.parts_of(executor, WINDOWS, str(tiny.DEVICE)), WINDOWS)
    kl = (exact.exp() * (exact - ours)).sum(-1)
    assert ours.shape == (9, 66, 256)
    assert float(kl.mean()) < 1e-3  # int8 weights
    assert float(kl.max()) < 1e-2  # at no place another window's, or another position's


def test_the_stock_executor_is_asked_for_its_model(folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    executor = StockExecutor(model, eos_ids=frozenset(), pad_id=0)
    parts = list(likelihood.parts_of(executor, WINDOWS[:2], "cpu"))
    assert [(part.window, part.place, tuple(part.logs.shape)) for part in parts] == [
        (0, 0, (1, 66, 256)),
        (1, 0, (1, 66, 256)),
    ]


@pytest.mark.parametrize(("error", "kind"), [(torch.OutOfMemoryError(), OutOfMemory), (RuntimeError(), EngineFailure)])
def test_a_model_that_fails_is_an_error_of_ours(error: Exception, kind: type[Exception]) -> None:
    class Broken:
        device = "cpu"

        def __call__(self, *_: object, **__: object) -> None:
            raise error

    executor = StockExecutor(Broken(), eos_ids=frozenset(), pad_id=0)
    with pytest.raises(kind):
        list(likelihood.parts_of(executor, WINDOWS, "cpu"))


def test_an_executor_without_a_model_is_refused() -> None:
    with pytest.raises(TypeError, match="FakeEngine"):
        list(likelihood.parts_of(FakeEngine(), WINDOWS, "cpu"))  # type: ignore[arg-type]
