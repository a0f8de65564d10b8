"""Metrics of classification, with scikit-learn's definitions: what <cnn/metrics.h> has."""

from __future__ import annotations

import ctypes
from typing import Any, Dict, List, NamedTuple

from . import _bindings as B
from ._convert import enumerator
from ._errors import check
from ._library import lib
from ._tensor import as_tensor


class Scores(NamedTuple):
    """How well a class, or an average of classes, was recognised."""

    precision: float
    recall: float
    f1: float
    support: int


def _with_handles(function: Any, first: Any, second: Any, *more: Any) -> None:
    a, b = as_tensor(first), as_tensor(second)
    check(a._read(lambda x: b._read(lambda y: function(x, y, *more))), a._context._h)


def top_k_correct(scores: Any, labels: Any, k: int = 1) -> int:
    """How many samples have their class among the k largest scores of their row."""
    count = ctypes.c_int64(0)
    _with_handles(lib.cnn_top_k_correct, scores, labels, k, ctypes.byref(count))
    return count.value


def accuracy(scores: Any, labels: Any, k: int = 1) -> float:
    """The part of the samples that have their class among the k largest scores of their row; 0.0 of no samples."""
    labels = as_tensor(labels)
    return top_k_correct(scores, labels, k) / max(labels.numel(), 1)


def roc_auc(scores: Any, labels: Any) -> float:
    """The area under the ROC curve: of scores of class 1, or of a row per sample, class by class against the rest."""
    area = ctypes.c_double(0)
    _with_handles(lib.cnn_roc_auc, scores, labels, ctypes.byref(area))
    return area.value


class ConfusionMatrix:
    """Counts which classes were taken for which, batch by batch."""

    def __init__(self, classes: int) -> None:
        if classes < 1:
            raise ValueError(f"a confusion matrix of {classes} classes, expected 1 or more")
        self.classes = classes
        self._counts = (ctypes.c_int64 * (classes * classes))()

    def update(self, predictions: Any, labels: Any) -> ConfusionMatrix:
        """Adds a batch: `predictions` are scores [N, classes] or classes [N], `labels` the classes [N]."""
        _with_handles(lib.cnn_confusion_matrix, predictions, labels, self.classes, self._counts)
        return self

    def tolist(self) -> List[List[int]]:
        """Row i has the samples of class i, by the class that they were taken for."""
        n = self.classes
        return [list(self._counts[i * n : (i + 1) * n]) for i in range(n)]

    @property
    def accuracy(self) -> float:
        """The part of all samples that is on the diagonal; 0.0 of no samples."""
        right = sum(self._counts[i * (self.classes + 1)] for i in range(self.classes))
        return right / max(sum(self._counts), 1)

    def scores(self) -> List[Scores]:
        """Precision, recall, F1 and support of each class."""
        found = (B.cnn_class_scores * self.classes)()
        check(lib.cnn_scores_of_classes(self._counts, self.classes, found))
        return [_scores(s) for s in found]

    def average(self, kind: Any = "macro") -> Scores:
        """The scores of all classes together: "macro", "micro" or "weighted"."""
        found = B.cnn_class_scores()
        check(lib.cnn_average_scores(self._counts, self.classes, enumerator(B.Average, kind), ctypes.byref(found)))
        return _scores(found)

    def report(self, names: Any = None) -> Dict[str, Scores]:
        """The scores by the classes' names, or numbers, then those of each average."""
        named = {str(names[i] if names else i): s for i, s in enumerate(self.scores())}
        return {**named, **{kind: self.average(kind) for kind in ("macro", "micro", "weighted")}}


def _scores(struct: Any) -> Scores:
    return Scores(struct.precision, struct.recall, struct.f1, struct.support)


__all__ = ["ConfusionMatrix", "Scores", "accuracy", "roc_auc", "top_k_correct"]
