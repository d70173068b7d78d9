"""Which fields of an OpenAI chat request are refused by name, and which are accepted and mean nothing here.

`docs/openai.md` lists them all, and a test compares it with this file, with ChatRequest and with the official client. A
field is refused where it asks for something that would be missing from the answer; the same field with the value that
means "no" is accepted, for some clients send it always.
"""

from collections.abc import Mapping

from audit8.errors import BadRequest

# The values of each that ask for nothing; null is one of them everywhere.
REFUSED: dict[str, tuple[object, ...]] = {
    "audio": (),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "modalities": (["text"], []),
    "moderation": (),
    "prediction": (),
    "presence_penalty": (0,),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "web_search_options": (),
}
# What they say changes no word of an answer.
IGNORED = (
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
    "verbosity",
)


def check_fields(given: Mapping[str, object]) -> None:
    """Raises BadRequest that names the first field which asks for what this server does not do."""
    for name, nothing in REFUSED.items():
        value = given.get(name)
        if value is not None and value not in nothing:
            raise BadRequest(
                f"{name} is not supported here.",
                hint="Leave it out; docs/openai.md lists what is honoured.",
                param=name,
            )
