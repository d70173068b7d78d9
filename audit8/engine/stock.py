"""The stock executor: transformers' own `generate` over the model as loaded, one generation at a time.

With a bitsandbytes model this is exactly LLM.int8 as its authors wrote it: slow, but the reference.
"""

from collections import deque
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from audit8.engine.constraint import Constraint, off_schema
from audit8.engine.generation import Generation, Guessed
from audit8.engine.sampling import logprobs_of
from audit8.errors import Audit8Error
from audit8.types import Sampling


class _Listener(StoppingCriteria):  # type: ignore[misc]  # transformers is untyped to us
    """Called by `generate` after each token: hands it on, and says when to stop."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._newest: torch.Tensor | None = None

    def keep(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """As the first logits processor: sees the model's own logits, changes nothing."""
        self._newest = scores[0]
        return scores

    def _logits(self) -> torch.Tensor:
        assert self._newest is not None
        return self._newest.float()

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        generation, token = self._generation, int(input_ids[0, -1])
        top = generation.sampling.top_logprobs
        logprobs = None if top is None else logprobs_of(self._logits(), token, top)
        if generation.constraint is not None and not generation.constraint.accept(token):
            generation.fail(off_schema())
        done = generation.cancelled or generation.finished or generation.accept(token, logprobs)
        return torch.full((input_ids.shape[0],), done, device=input_ids.device, dtype=torch.bool)


class _Held:
    """A logits processor: forbids what the generation's constraint does not allow next."""

    def __init__(self, constraint: Constraint, vocabulary: int) -> None:
        self._constraint = constraint
        self._row = torch.empty((vocabulary + 31) // 32, dtype=torch.int32)
        self._bits = torch.arange(32, dtype=torch.int32)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self._constraint.fill_mask(self._row)
        allowed = (self._row[:, None] >> self._bits & 1).bool().flatten()[: scores.shape[-1]]
        return scores.masked_fill(~allowed.to(scores.device), float("-inf"))


class StockExecutor:
    """`model` is any causal LM of transformers; `pad_id` only silences `generate`."""

    def __init__(self, model: Any, *, eos_ids: frozenset[int], pad_id: int) -> None:
        self._model = model
        self._eos_ids = eos_ids
        self._pad_id = pad_id
        self._waiting: deque[Generation] = deque()

    @property
    def model(self) -> Any:
        return self._model

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    @property
    def guessed(self) -> Guessed:
        return Guessed()

    def add(self, generation: Generation) -> None:
        self._waiting.append(generation)

    def step(self) -> None:
        """Run the oldest waiting generation to its end; if it raises, it stays in front for `drop_all` to fail it."""
        generation = self._waiting[0]
        if not generation.cancelled:
            generation.start()
            with torch.inference_mode():
                if generation.candidates:
                    self._score(generation)
                else:
                    self._generate(generation)
        self._waiting.popleft()

    def drop_all(self, error: Audit8Error) -> None:
        while self._waiting:
            self._waiting.popleft().fail(error)

    def _prompt(self, generation: Generation) -> torch.Tensor:
        return torch.tensor([generation.prompt_ids], device=self._model.device)

    def _generate(self, generation: Generation) -> None:
        sampling = generation.sampling
        if sampling.seed is not None:
            torch.manual_seed(sampling.seed)
        prompt = self._prompt(generation)
        listener = _Listener(generation)
        processors: list[Any] = [listener.keep]
        if generation.constraint is not None:
            processors.append(_Held(generation.constraint, self._model.config.get_text_config().vocab_size))
        self._model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            generation_config=self._config(sampling),
            stopping_criteria=StoppingCriteriaList([listener]),
            logits_processor=LogitsProcessorList(processors),
        )

    def _config(self, sampling: Sampling) -> GenerationConfig:
        chosen: dict[str, Any] = {"do_sample": False}
        if sampling.temperature > 0:
            chosen = {
                "do_sample": True,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
            }
        return GenerationConfig(
            max_new_tokens=sampling.max_tokens,
            repetition_penalty=sampling.repetition_penalty,
            eos_token_id=sorted(self._eos_ids),
            pad_token_id=self._pad_id,
            **chosen,
        )

    def _score(self, generation: Generation) -> None:
        logits = self._model(self._prompt(generation), use_cache=False, logits_to_keep=1).logits[0, -1].float()
        generation.scored(torch.softmax(logits, dim=-1)[list(generation.candidates)].tolist())
