"""One job's run: `Run(job, engine, turn).events()`."""

from audit8.pipeline.reading import Stages
from audit8.pipeline.run import Run
from audit8.pipeline.sizes import TEMPLATE_TOKENS

__all__ = ["TEMPLATE_TOKENS", "Run", "Stages"]
