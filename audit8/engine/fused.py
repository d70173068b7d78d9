"""The fused executor: continuous batching over the int8 decoder.

Sequences wait, are prefilled chunk by chunk (so that a long prompt never stalls the others), then run together, one
token each a step; they join and leave at any step. Pages for prompt and longest answer are reserved before a sequence
starts, so nothing that runs is ever preempted. Runs on the owner thread.

Chunks end at multiples of the pool's `reuse_tokens`, counted from the prompt's beginning, and what is left after the
last multiple is a chunk of its own where it is short enough for the decode kernels: so every token is computed by the
same products, in the same order, whether its prefix was cached or not and however long the chunks are.
"""

from collections import deque

import torch
from torch import Tensor

from audit8.engine.device import classify
from audit8.engine.drafts import Drafter
from audit8.engine.effort import MOST_ROWS, Effort, worthwhile
from audit8.engine.generation import Generation, Guessed
from audit8.engine.kernels.types import MAX_ROWS, PAGE_TOKENS
from audit8.engine.pages import PagePool, pages_for
from audit8.engine.runner import Flight, Runner
from audit8.engine.running import Guess, Running, Turn
from audit8.engine.sampling import make_generator
from audit8.engine.weights import DecoderWeights
from audit8.errors import Audit8Error, PromptTooLong

PREFILLS_AT_ONCE = 4


class FusedExecutor:
    """See generation.Executor. One step is at most one prefill chunk and one token for every running sequence."""

    def __init__(
        self,
        runner: Runner,
        pool: PagePool,
        *,
        chunk_tokens: int,
        shared_chunk_tokens: int,
        effort: Effort | None = None,
    ) -> None:
        """`chunk_tokens` of prefill a step, `shared_chunk_tokens` while others wait for their next token.

        `effort`: what guessed tokens cost; None guesses none.
        """
        self._runner = runner
        self._pool = pool
        self._chunk_tokens = chunk_tokens
        self._shared_chunk_tokens = shared_chunk_tokens
        self._waiting: deque[Generation] = deque()
        self._prefilling: deque[Running] = deque()
        self._rows: list[Running] = []
        self._joining: list[Running] = []
        self._flights: deque[tuple[list[Turn], Flight]] = deque()
        self._effort = effort
        self._seated = True  # whether the runner's rows are these, one each
        self._guessed = Guessed()

    @property
    def weights(self) -> DecoderWeights:
        return self._runner.weights

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._prefilling or self._joining or self._rows)

    @property
    def guessed(self) -> Guessed:
        return self._guessed

    def figures(self) -> dict[str, float]:
        """For the metrics; may be called from any thread."""
        counts = {"spec_decode_draft_tokens": self._guessed.tried, "spec_decode_accepted_tokens": self._guessed.right}
        return {"kv_cache_usage_ratio": self._pool.used_pages / self._pool.page_count, **counts}

    def add(self, generation: Generation) -> None:
        tokens = len(generation.prompt_ids) + generation.sampling.max_tokens
        if pages_for(tokens) > self._pool.page_count:
            limit = self._pool.page_count * PAGE_TOKENS
            generation.fail(
                PromptTooLong(
                    f"prompt and answer need {tokens} tokens of cache; there is room for {limit}",
                    hint="shorten the prompt, lower max_tokens, or free memory on the device",
                    tokens=tokens,
                    cache_tokens=limit,
                )
            )
            return
        self._waiting.append(generation)

    def step(self) -> None:
        with torch.inference_mode():
            self._admit()
            if self._prefilling:
                self._prefill_chunk()
            self._decode()

    def drop_all(self, error: Audit8Error) -> None:
        self._flights.clear()
        for running in [*self._prefilling, *self._joining, *self._rows]:
            running.generation.fail(error)
            self._pool.release(running.table)
        for generation in self._waiting:
            generation.fail(error)
        for queue in (self._waiting, self._prefilling, self._joining, self._rows):
            queue.clear()
        self._runner.reset()  # last: it fails on a device that is gone, and nobody may be left waiting for that

    # ---- waiting -> prefilling ---------------------------------------------------------------------------------

    def _admit(self) -> None:
        """First come, first served, but never past one whose pages are not free yet.

        A prompt that begins like one being computed waits for it: it will find the shared part in the cache.
        """
        held: list[Generation] = []
        while self._waiting and len(self._prefilling) < PREFILLS_AT_ONCE:
            generation = self._waiting.popleft()
            if generation.cancelled:
                continue
            if self._begins_like_one_being_computed(generation):
                held.append(generation)
                continue
            total = len(generation.prompt_ids) + generation.sampling.max_tokens
            table = self._pool.reserve(generation.prompt_ids, total)
            if table is None:
                held.append(generation)
                break
            generation.start()
            generator = make_generator(generation.sampling, self._runner.device)
            self._prefilling.append(Running(generation, table, table.cached_tokens, generator))
        self._waiting.extendleft(reversed(held))

    def _begins_like_one_being_computed(self, generation: Generation) -> bool:
        unit = self._pool.reuse_tokens
        start = generation.prompt_ids[:unit]
        return len(generation.prompt_ids) > unit and any(
            running.generation.prompt_ids[:unit] == start for running in self._prefilling
        )

    # ---- prefilling -> joining ---------------------------------------------------------------------------------

    def _prefill_chunk(self) -> None:
        """One chunk of the sequence whose turn it is."""
        running = self._prefilling[0]
        generation = running.generation
        if generation.cancelled:
            self._pool.release(self._prefilling.popleft().table)
            return
        prompt = generation.prompt_ids
        end = self._chunk_end(running.computed, len(prompt))
        try:
            logits = self._runner.prefill(list(prompt[running.computed : end]), running.computed, running.table.pages)
        except torch.OutOfMemoryError as error:  # this prompt's fault: the others go on
            self._prefilling.popleft()
            generation.fail(classify(error))
            self._pool.release(running.table)
            return
        if end == len(prompt) and self._effort is not None and running.plain and not generation.candidates:
            running.drafter = Drafter(prompt, generation.echoes)  # while the device computes
        running.computed = end
        self._pool.publish(prompt[:end], running.table)
        self._prefilling.popleft()
        if end < len(prompt):
            self._prefilling.append(running)
        else:
            self._begin(running, logits)

    def _chunk_end(self, start: int, length: int) -> int:
        """`start` is a multiple of the reuse unit; so is the end, or it is the prompt's."""
        most_tokens = self._shared_chunk_tokens if self._rows else self._chunk_tokens
        whole = length // self._pool.reuse_tokens * self._pool.reuse_tokens
        if start < whole and length - whole <= MAX_ROWS:
            length = whole
        return min(length, start + most_tokens)

    def _begin(self, running: Running, logits: Tensor) -> None:
        """The prompt is computed: answer a score, or choose the first token."""
        generation = running.generation
        try:
            if generation.candidates:
                generation.scored(torch.softmax(logits, dim=-1)[list(generation.candidates)].tolist())
            else:
                allowed = self._allowed(logits.unsqueeze(0), [Turn(running, 0)])
                running.accept(int(running.choose(logits, logits if allowed is None else allowed[0])))
        except torch.OutOfMemoryError as error:  # as in prefill: the others go on
            generation.fail(classify(error))
        finally:
            if running.over:
                self._pool.release(running.table)
            else:
                self._joining.append(running)

    # ---- running -----------------------------------------------------------------------------------------------

    def _decode(self) -> None:
        """One step for all: with guesses where they pay, else launched before the step before is read."""
        if any(running.over for running in [*self._rows, *self._joining]) or (self._joining and self._room):
            self._rebuild()
        turns = self._turns_with_guesses()
        if turns:
            self._runner.set_rows([row for turn in turns for row in turn.rows])
            self._seated = False
            self._launch(turns, wait=True)
        elif self._rows:
            if not self._seated:
                self._seat()
            self._launch([Turn(running, index) for index, running in enumerate(self._rows)], wait=False)

    def _launch(self, turns: list[Turn], *, wait: bool) -> None:
        """Launch a step, then read the step before: the device computes while tokens become text.

        So whatever a choice looks at, the tokens before it among them, is known when its logits are.
        """
        logits = self._runner.advance()
        while self._flights:
            self._collect()
        self._choose(logits, turns)
        self._flights.append((turns, self._runner.land()))
        if wait or self._runner.device.type == "cpu":
            self._collect()

    def _turns_with_guesses(self) -> list[Turn]:
        """None where guesses do not pay. They are made of tokens that are known: what is in flight is read first."""
        guesses = self._guesses()
        if self._flights and any(guesses):
            while self._flights:
                self._collect()
            if any(running.over for running in self._rows):
                self._rebuild()
            guesses = self._guesses()
        turns: list[Turn] = []
        for running, guess in zip(self._rows, guesses, strict=True) if any(guesses) else ():
            turns.append(Turn(running, turns[-1].end if turns else 0, guess.tokens, guess.forced))
        return turns

    def _guesses(self) -> list[Guess]:
        """One a row, as long as it pays."""
        most_rows = min(MOST_ROWS, self._runner.max_rows)
        if self._effort is None or len(self._rows) >= most_rows:
            return [Guess()] * len(self._rows)
        guesses = [running.guess(most_rows - len(self._rows)) for running in self._rows]
        lengths = worthwhile([guess.chances for guess in guesses], self._effort, most_rows)
        return [guess.first(length) for guess, length in zip(guesses, lengths, strict=True)]

    def _choose(self, logits: Tensor, turns: list[Turn]) -> None:
        """The tokens that are not simply the argmax."""
        allowed = self._allowed(logits[: turns[-1].end], turns)
        if allowed is not None:
            self._runner.put_best(allowed)
        for turn in turns:
            running, index = turn.running, turn.first
            if not running.plain and not running.over:
                own = logits[index] if allowed is None else allowed[index]
                try:
                    self._runner.put(index, running.choose(logits[index], own))
                except torch.OutOfMemoryError as error:
                    running.generation.fail(classify(error))

    def _allowed(self, logits: Tensor, turns: list[Turn]) -> Tensor | None:
        """`logits` [rows, vocab] as the turns' constraints, if any, leave them; None where there is none."""
        if all(turn.running.over or turn.running.generation.constraint is None for turn in turns):
            return None
        masks = self._runner.mask_room(len(logits), logits.shape[1])
        for turn in turns:
            turn.fill_masks(masks[turn.first : turn.end])
        return self._runner.restricted(logits, masks)

    @property
    def _room(self) -> int:
        return self._runner.max_rows - len(self._rows)

    def _collect(self) -> None:
        turns, flight = self._flights.popleft()
        chosen = flight.wait()
        for turn in turns:
            right = turn.take(chosen[turn.first : turn.end])
            self._guessed = self._guessed.plus(len(turn.draft), right)

    def _rebuild(self) -> None:
        """Let the finished leave and the new ones join; what is in flight is read first."""
        while self._flights:
            self._collect()
        for running in [*self._rows, *self._joining]:
            if running.over:
                self._pool.release(running.table)
        self._rows = [running for running in self._rows if not running.over]
        self._joining = [running for running in self._joining if not running.over]
        joining = self._joining[: self._room]
        self._joining = self._joining[len(joining) :]
        self._rows += joining
        self._seat()

    def _seat(self) -> None:
        self._runner.set_rows([running.row for running in self._rows])
        self._seated = True
