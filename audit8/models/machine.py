"""What a model has to fit into, as plain numbers. Measures nothing itself: the engine's probe does."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """Memory as measured now. `gpu_total_bytes` 0 means that there is no CUDA GPU: the model runs on the CPU."""

    gpu_name: str
    gpu_free_bytes: int
    gpu_total_bytes: int
    ram_free_bytes: int

    @property
    def has_gpu(self) -> bool:
        return self.gpu_total_bytes > 0
