"""From addresses to a ready engine: every server is asked what it can do, and what is found is said.

Blocking; runs in the loading thread. Raises StartupError in one line. A server that cannot be reached is left out for
now if another can: it is asked again as soon as it is needed.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from audit8.errors import StartupError
from audit8.remote.address import Address, read_addresses, read_key, sends_to
from audit8.remote.engine import RemoteEngine
from audit8.remote.pool import Patience, Replica
from audit8.remote.probing import PARALLEL, Abilities, Heard, Prober
from audit8.remote.refusals import Broken
from audit8.remote.wire import Wire
from audit8.remote.words import say
from audit8.types import EngineInfo, Lang, Quant

log = logging.getLogger("audit8")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`model` "" means the only one; `context_tokens` is an upper bound; `parallel` 0: as the servers say."""

    urls: Sequence[str]
    model: str
    key_file: Path | None
    context_tokens: int
    lang: Lang
    parallel: int = 0
    patience: Patience = field(default_factory=Patience)


def connect(wanted: Wanted, heard: Heard) -> RemoteEngine:
    """`heard` is told the host of a server that is still loading."""
    addresses = read_addresses(wanted.urls)
    key = read_key(wanted.key_file)
    for address in addresses:
        _say_where(address, wanted.lang)
    found = asyncio.run(_probe_all(addresses, key, wanted, heard))
    abilities = common(list(found.values()))
    replicas = [Replica(address, abilities.model) for address in addresses]
    for replica in replicas:
        if replica.address not in found:
            replica.suspect = True
    info = describe(abilities, addresses, wanted.context_tokens, wanted.parallel)
    _say_found(abilities, info, wanted.lang)
    wire = Wire(key, wanted.patience)
    return RemoteEngine(replicas=replicas, abilities=abilities, info=info, wire=wire, patience=wanted.patience)


async def _probe_all(addresses: Sequence[Address], key: str, wanted: Wanted, heard: Heard) -> dict[Address, Abilities]:
    """What each server that can be reached is able to do; at least one."""
    wire = Wire(key, wanted.patience)
    prober = Prober(wire, wanted.patience, wanted.model, heard)
    try:
        results = await asyncio.gather(*(prober.probe(address) for address in addresses), return_exceptions=True)
    finally:
        await wire.aclose()
    found: dict[Address, Abilities] = {}
    gone: list[str] = []
    for address, result in zip(addresses, results, strict=True):
        if isinstance(result, Broken):
            gone.append(str(result))
        elif isinstance(result, BaseException):
            raise result
        else:
            found[address] = result
    if not found:
        raise StartupError("; ".join(gone) + ".", hint="Is the server of --engine-url running?")
    for words in gone:
        log.warning("%s", say(wanted.lang, "gone", words=words))
    return found


def common(found: Sequence[Abilities]) -> Abilities:
    """What all servers can do; the answers that they can write at once are added up."""
    first = found[0]
    models = {one.model for one in found}
    if len(models) > 1:
        raise StartupError(
            f"The servers hold different models: {', '.join(sorted(models))}.", hint="Choose one: --engine-model NAME."
        )
    return Abilities(
        model=first.model,
        context_tokens=min((one.context_tokens for one in found if one.context_tokens), default=0),
        parallel=sum(one.parallel or PARALLEL for one in found),
        top=min(one.top for one in found),
        schema=first.schema if len({one.schema for one in found}) == 1 else None,
        tokenize=first.tokenize if len({one.tokenize for one in found}) == 1 else "",
        pocket=any(one.pocket for one in found),
        quantisation=first.quantisation,
        arithmetic=first.arithmetic,
        sends_to=", ".join(dict.fromkeys(one.sends_to for one in found if one.sends_to)),
    )


def describe(abilities: Abilities, addresses: Sequence[Address], most_tokens: int, parallel: int) -> EngineInfo:
    servers = len(addresses)
    quantisation: Quant = next((one for one in get_args(Quant) if one == abilities.quantisation), "none")
    places = ", ".join(filter(None, [sends_to(addresses), abilities.sends_to]))
    return EngineInfo(
        model=abilities.model,
        device="remote" if servers == 1 else f"remote, {servers} servers",
        quantisation=quantisation,
        arithmetic=abilities.arithmetic or "not known: another server's",
        context_tokens=min(most_tokens, abilities.context_tokens or most_tokens),
        pocket=abilities.pocket,
        parallel=parallel or abilities.parallel,
        sends_to=places,
        capabilities=capabilities(abilities),
    )


def capabilities(abilities: Abilities) -> tuple[str, ...]:
    """What the servers do themselves, and what is done instead here, for programs: `name=how`."""
    return (
        f"schema={'server' if abilities.schema else 'asked and checked'}",
        f"probabilities={f'top {abilities.top}' if abilities.top else 'votes'}",
        f"tokens={'counted' if abilities.tokenize else 'estimated'}",
        f"context={'server' if abilities.context_tokens else 'assumed'}",
    )


def _say_where(address: Address, lang: Lang) -> None:
    if address.local:
        log.info("%s", say(lang, "local", url=address.url))
        return
    log.warning("%s", say(lang, "sent", url=address.url))
    if address.exposed:
        log.warning("%s", say(lang, "open", host=address.host))


def _say_found(abilities: Abilities, info: EngineInfo, lang: Lang) -> None:
    log.info("%s", say(lang, "model", model=info.model, context=info.context_tokens, parallel=info.parallel))
    log.info("%s", say(lang, "schema" if abilities.schema else "no_schema"))
    log.info("%s", say(lang, "top" if abilities.top else "no_top", top=abilities.top))
    log.info("%s", say(lang, "tokens" if abilities.tokenize else "no_tokens"))
    if not abilities.context_tokens:
        log.warning("%s", say(lang, "no_context", context=info.context_tokens))
