"""One answer held to a grammar: which tokens may come next, and always room to close the document.

The constraint knows an upper bound of the tokens that close the document from here. While one more token of any kind
leaves room, the mask is the grammar's. Otherwise only tokens from which a closing was found that fits are allowed, the
first token of the known closing among them; so a document that was begun is ended, unless no closing is ever found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from llguidance import LLMatcher

from audit8.engine.closing import TRIALS, allowed_bytes, closes, end_of, find_closing
from audit8.engine.vocabulary import Tokens, Words, allow, has, ids_of
from audit8.errors import EngineFailure

CANDIDATES, SEARCHES, FEW_TRIALS = 12, 1, 300  # what is tried in one step where room is scarce
RETRY_TOKENS = 32
SHORT_ENDS, LONG_ENDS = 2, 16  # of a known closing, tried before a search: little is left, or little was written since
_TEXT_BYTES = b'" a0}'


@dataclass(frozen=True, slots=True)
class Plan:
    """What all answers under one grammar share.

    `closing`: the tokens of a short document. `step`: the most tokens by which one token can lengthen what is left to
    write. `free_strings`: whether a string that may hold any character may end after any character.
    `wide`: whether closings are found only where every byte is tried.
    """

    tokens: Tokens
    closing: tuple[int, ...]
    step: int
    free_strings: bool
    wide: bool


class Constraint:
    """The state of one answer. Masks are int32 words of 32 tokens each, a set bit allows a token."""

    def __init__(self, plan: Plan, matcher: LLMatcher, twin: LLMatcher, max_tokens: int) -> None:
        self._plan = plan
        self._tokens = plan.tokens
        self._matcher = matcher
        self._twin = twin  # over bytes; `_unread` is what it has not seen yet
        self._unread: list[int] = []
        self._left = max_tokens
        self._closing: list[int] | None = list(plan.closing)  # None: none is known
        self._growth = 0  # tokens by which the right one may be longer by now; 0: it is the right one
        self._in_text = False  # known to be in a free string since then
        self._ahead: dict[int, list[int]] = {}  # closings after a token, of those that were tried
        self._ended = False
        self._before: list[_Kept] = []  # of each token that was explored

    @property
    def complete(self) -> bool:
        """The document is whole and nothing but an end token may follow."""
        return self._matcher.is_stopped() and not self._matcher.is_error()

    @property
    def valid(self) -> bool:
        """The document may end here: what is written is valid."""
        return self._matcher.is_accepting() or self.complete

    def fill_mask(self, row: torch.Tensor) -> None:
        """Write what may come next into `row`: int32 [ceil(vocabulary / 32)] on the CPU, contiguous."""
        words: Words = row.numpy()
        if self._ended or self._matcher.is_error():
            words[:] = self._tokens.eos
            return
        self._matcher.unsafe_compute_mask_ptr(row.data_ptr(), row.numel() * 4)
        words &= self._tokens.text_or_end
        if not self.complete and not self._is_roomy():
            self._narrow(words)

    def accept(self, token: int) -> bool:
        """Take the chosen token; False if the grammar does not allow it (or gave up): the answer is not a document."""
        self._left -= 1
        if token in self._tokens.eos_ids:
            self._ended = True
        taken = self._matcher.consume_token(token)
        self._unread.append(token)
        if token in self._ahead:
            self._closing, self._growth = self._ahead[token], 0
        elif self._closing and self._growth == 0 and self._closing[0] == token:
            self._closing = self._closing[1:]
        else:
            self._in_text = self._in_text and has(self._tokens.plain, token)
            self._growth += 1 if self._in_text else self._plan.step
        self._ahead = {}
        return taken and not self._matcher.is_error()

    # ---- guesses -----------------------------------------------------------------------------------------------

    def forced(self) -> list[int]:
        """Tokens that must follow, as this vocabulary would spell them; none where there is a choice or little room."""
        return self._matcher.compute_ff_tokens() if self._may_guess() else []

    def possible(self, ids: Sequence[int]) -> int:
        """How many of `ids` in a row the grammar allows; none where room is scarce: it then matters what is known."""
        return self._matcher.validate_tokens(list(ids)) if self._may_guess() else 0

    def _may_guess(self) -> bool:
        return not (self._ended or self._matcher.is_error() or self.complete) and self._is_roomy()

    def explore(self, rows: torch.Tensor, ids: Sequence[int]) -> int:
        """Masks for here and after each of `ids`, int32 [len(ids) + 1, words], up to the first that is not allowed.

        Gives how many are allowed before an end or where room is scarce, and stands after them; masks beyond are not
        written. `settle` comes next.
        """
        self._before = []
        self.fill_mask(rows[0])
        for index, token in enumerate(ids):
            if token in self._tokens.eos_ids or not self._is_ample() or not has(rows[index].numpy(), token):
                return index
            self._before.append(_Kept(self))
            self.accept(token)
            self.fill_mask(rows[index + 1])
        return len(ids)

    def settle(self, count: int) -> None:
        """After `explore`: only the first `count` of its tokens were right."""
        if count < len(self._before):
            self._before[count].put_back()
        self._before = []

    # ---- room to close -----------------------------------------------------------------------------------------

    def _is_ample(self) -> bool:
        """Whether any token leaves room to close, by what is known without a search."""
        if self._closing is None:
            return False
        return len(self._closing) + 1 + self._growth + self._plan.step <= self._left - 1

    def _is_roomy(self) -> bool:
        """Whether any token leaves room to close; looks for the closing again if in doubt."""
        if self._is_ample():
            return True
        if self._growth > 0 and (self._closing is not None or self._left % RETRY_TOKENS == 0):
            self._find_again()
        return self._closing is not None and len(self._closing) + 1 + self._plan.step <= self._left - 1

    def _find_again(self) -> None:
        """A closing from here: an end of the one of before if that is one, for what was written is gone from it."""
        twin = self._caught_up()
        text = next((one for one in self._likely(twin) if closes(twin, one)), None)
        if text is None:
            text = self._search(twin, TRIALS)
        self._closing = None if text is None else self._tokens.spell(text)
        if self._closing is not None:
            self._growth, self._in_text = 0, self._in_free_string()
            if len(self._closing) + 1 > self._left:
                self._closing = None

    def _likely(self, twin: LLMatcher) -> Iterator[bytes]:
        """The known closing, and what must follow here with ends of it: the shortest, then the longest."""
        old = self._tokens.text(self._closing or [])
        yield old
        forced = twin.compute_ff_bytes()
        twin.consume_tokens(list(forced))
        allowed = allowed_bytes(twin)
        twin.rollback(len(forced))
        end = end_of(allowed)
        firsts = frozenset(allowed if end is None else [end])
        ends = [old[at:] for at in range(len(old)) if old[at] in firsts]
        for text in (*ends[: -SHORT_ENDS - 1 : -1], *ends[:LONG_ENDS]):
            yield forced + text

    def _search(self, twin: LLMatcher, trials: int) -> bytes | None:
        return find_closing(twin, trials=trials, wide=self._plan.wide)

    def _caught_up(self) -> LLMatcher:
        for token in self._unread:
            if token not in self._tokens.eos_ids:
                self._twin.consume_tokens(list(self._tokens.text([token])))
        self._unread = []
        return self._twin

    def _narrow(self, words: Words) -> None:
        """Leave only tokens after which a closing is known to fit."""
        if self._closing is None:
            return  # all hope is on the model; the answer may end as `length`
        ends = words & self._tokens.eos
        spare = self._left - 1 - (len(self._closing) + 1)
        if spare >= 2 and self._in_free_string():
            words &= self._tokens.plain
        elif spare >= 0:
            self._try_each(words)
        else:
            words[:] = 0
        words |= ends
        if self._closing:
            allow(words, self._closing[0])

    def _in_free_string(self) -> bool:
        """In a string value that may go on with anything and may end: plain characters cost no more than themselves."""
        if not self._plan.free_strings:
            return False
        twin = self._caught_up()
        if not set(_TEXT_BYTES) <= set(allowed_bytes(twin)):
            return False
        twin.consume_token(_TEXT_BYTES[0])
        is_key = twin.compute_ff_bytes().startswith(b":")
        twin.rollback(1)
        return not is_key

    def _try_each(self, words: Words) -> None:
        """Keep the tokens from which a closing is found that fits, of CANDIDATES at most."""
        twin = self._caught_up()
        if int(np.bitwise_count(words).sum()) > CANDIDATES:
            words &= self._tokens.single
        known = [self._tokens.text(self._closing or [])]
        after_first = self._tokens.text((self._closing or [])[1:])
        searches = SEARCHES
        for token in ids_of(words)[:CANDIDATES]:
            written = self._tokens.text([token])
            if twin.validate_tokens(list(written)) < len(written):
                continue
            twin.consume_tokens(list(written))
            rests = dict.fromkeys([known[0].removeprefix(written), after_first, *known])
            text = next((rest for rest in rests if closes(twin, rest)), None)
            if text is None and searches:
                searches -= 1
                text = self._search(twin, FEW_TRIALS)
                known += [] if text is None else [text]
            twin.rollback(len(written))
            ids = None if text is None else self._tokens.spell(text)
            if ids is not None and len(ids) + 1 <= self._left - 1:
                self._ahead[token] = ids
        words[:] = self._tokens.mask(list(self._ahead))


def off_schema() -> EngineFailure:
    """How an answer ends whose token was not accepted."""
    return EngineFailure(
        "the answer could not be held to the schema: its grammar became too complex",
        hint="simplify the patterns and unions of the schema",
    )


class _Kept:
    """Where a constraint was."""

    def __init__(self, constraint: Constraint) -> None:
        self._constraint = constraint
        self._kept = dict(vars(constraint))
        self._kept["_matcher"] = constraint._matcher.deep_copy()
        self._kept["_twin"] = constraint._twin.deep_copy()
        self._kept["_unread"] = list(constraint._unread)

    def put_back(self) -> None:
        vars(self._constraint).update(self._kept)
