"""Optimizers: torch.optim."""

from . import lr_scheduler
from ._kinds import *  # noqa: F401,F403
from ._kinds import __all__ as _names
from ._optimizer import Group, Optimizer

__all__ = [*_names, "Group", "Optimizer", "lr_scheduler"]
