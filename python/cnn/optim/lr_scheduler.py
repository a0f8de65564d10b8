"""Learning-rate schedulers: torch.optim.lr_scheduler."""

from ._schedules import *  # noqa: F401,F403
from ._schedules import __all__ as _names
from ._scheduler import LambdaLR, Scheduler, SequentialLR

__all__ = [*_names, "LambdaLR", "SequentialLR", "Scheduler"]
