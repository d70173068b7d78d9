"""Which pages of the KV cache belong to whom: reservation, sharing of equal prompt prefixes, eviction.

Pure bookkeeping over page numbers; the tensors are the runner's. A page holds `PAGE_TOKENS` consecutive tokens of one
sequence. Full pages of a prompt may be shared by every prompt that begins with the same tokens: they are found by a
chain of digests (previous key, tokens of this page), so that equal keys mean equal history. Pages that nobody uses stay
findable until their space is needed, the longest unused first.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from audit8.engine.kernels.types import PAGE_TOKENS


def pages_for(tokens: int) -> int:
    """How many pages hold `tokens` tokens."""
    return -(-tokens // PAGE_TOKENS)


def keys_of(prompt: Sequence[int], pages: int) -> Iterator[bytes]:
    """One key for each of the first `pages` pages of `prompt`; each stands for all tokens up to its end."""
    key = b""
    for index in range(pages):
        tokens = array("q", prompt[index * PAGE_TOKENS : (index + 1) * PAGE_TOKENS]).tobytes()
        key = hashlib.sha256(key + tokens).digest()
        yield key


@dataclass(slots=True)
class Table:
    """The pages of one sequence in order; the first `cached_tokens` tokens are already computed in them."""

    pages: list[int]
    cached_tokens: int = 0


@dataclass(slots=True)
class PagePool:
    """`reuse_tokens` (a multiple of PAGE_TOKENS): shared prefixes end at multiples of it, where prefill chunks end."""

    page_count: int
    reuse_tokens: int = PAGE_TOKENS
    _free: list[int] = field(init=False)
    _users: dict[int, int] = field(init=False, default_factory=dict)
    _page_of: dict[bytes, int] = field(init=False, default_factory=dict)
    _key_of: dict[int, bytes] = field(init=False, default_factory=dict)
    _idle: OrderedDict[int, None] = field(init=False, default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._free = list(range(self.page_count - 1, -1, -1))

    @property
    def available_pages(self) -> int:
        """Free pages plus those that only the prefix cache holds."""
        return len(self._free) + len(self._idle)

    @property
    def used_pages(self) -> int:
        return self.page_count - self.available_pages

    def reserve(self, prompt: Sequence[int], total_tokens: int) -> Table | None:
        """Pages for `total_tokens`, beginning with those that already hold `prompt`'s prefix; None if too few.

        At least the last prompt token is never taken from the cache: its logits are wanted.
        """
        shared = self._shared(prompt)
        idle_shared = sum(page in self._idle for page in shared)
        missing = pages_for(total_tokens) - len(shared)
        if missing > self.available_pages - idle_shared:
            return None
        for page in shared:
            self._users[page] = self._users.get(page, 0) + 1
            self._idle.pop(page, None)
        fresh = [self._take() for _ in range(missing)]
        return Table([*shared, *fresh], cached_tokens=len(shared) * PAGE_TOKENS)

    def publish(self, prompt: Sequence[int], table: Table) -> None:
        """The whole prompt is computed: its full pages may be shared from now on."""
        for page, key in zip(table.pages, keys_of(prompt, len(prompt) // PAGE_TOKENS), strict=False):
            if key not in self._page_of and page not in self._key_of:
                self._page_of[key] = page
                self._key_of[page] = key

    def release(self, table: Table) -> None:
        """The sequence is over. Its shared pages stay findable until their space is needed."""
        for page in reversed(table.pages):  # the end of a prefix is evicted before its beginning
            self._users[page] -= 1
            if self._users[page]:
                continue
            del self._users[page]
            if page in self._key_of:
                self._idle[page] = None
            else:
                self._free.append(page)
        table.pages = []

    def _shared(self, prompt: Sequence[int]) -> list[int]:
        pages: list[int] = []
        usable = (len(prompt) - 1) // self.reuse_tokens * self.reuse_tokens // PAGE_TOKENS
        for key in keys_of(prompt, usable):
            if key not in self._page_of:
                break
            pages.append(self._page_of[key])
        unit = self.reuse_tokens // PAGE_TOKENS
        return pages[: len(pages) // unit * unit]

    def _take(self) -> int:
        if self._free:
            page = self._free.pop()
        else:
            page, _ = self._idle.popitem(last=False)
            del self._page_of[self._key_of.pop(page)]
        self._users[page] = 1
        return page
