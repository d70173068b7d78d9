"""Names of Python calls that the syntax-tree rules look for, with imports resolved, or their last part."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _of(modules: str, functions: str) -> frozenset[str]:
    return frozenset(f"{module}.{function}" for module in modules.split() for function in functions.split())


RANDOM = _of("random", "random randint choice choices sample randrange getrandbits uniform shuffle")
