"""What is said at start, in both languages."""

from audit8.types import Lang

_WORDS: dict[str, dict[Lang, str]] = {
    "sent": {
        "en": "THE CODE LEAVES THIS MACHINE: it is sent to {url}",
        "zh": "注意：代码会离开本机，发送到 {url}",
    },
    "local": {
        "en": "the model is behind {url}, a server on this machine",
        "zh": "模型由本机上的服务 {url} 提供",
    },
    "open": {
        "en": "the connection to {host} is not encrypted: use it in a network you trust only",
        "zh": "与 {host} 的连接没有加密：只应在可信网络中使用",
    },
    "gone": {
        "en": "{words}; it is left out until it answers",
        "zh": "{words}；在它恢复之前不会使用",
    },
    "model": {
        "en": "model: {model}, context {context} tokens, {parallel} answers at once",
        "zh": "模型：{model}，上下文 {context} 个 token，同时生成 {parallel} 个回答",
    },
    "schema": {
        "en": "JSON schemas: the server holds answers to them",
        "zh": "JSON schema：由服务端约束输出",
    },
    "no_schema": {
        "en": "JSON schemas: the server cannot hold answers to them; they are asked for in words and checked here",
        "zh": "JSON schema：服务端不支持，改为在提示中要求并在本机校验",
    },
    "top": {
        "en": "judging: by the probabilities of {top} tokens",
        "zh": "判定：依据前 {top} 个 token 的概率",
    },
    "no_top": {
        "en": "judging: the server gives no probabilities; its one-word answer counts as a vote",
        "zh": "判定：服务端不提供概率，以其单词回答作为投票",
    },
    "tokens": {"en": "token counts: the server's", "zh": "token 计数：由服务端给出"},
    "no_tokens": {
        "en": "token counts: estimated from above, so chunks are smaller than they could be",
        "zh": "token 计数：按上限估算，因此代码块会比实际可容纳的小",
    },
    "no_context": {
        "en": "the server does not say how long its context is; --context-tokens {context} is taken for it",
        "zh": "服务端没有说明上下文长度，按 --context-tokens {context} 处理",
    },
}


def say(lang: Lang, key: str, **values: str | int) -> str:
    return _WORDS[key][lang].format(**values)
