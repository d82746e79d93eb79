"""Makes metrics.json: random predictions, and what scikit-learn says of them (1.9.1). python metrics.py > metrics.json"""

import json

import numpy as np
from sklearn import metrics as m

rng = np.random.default_rng(7)
n, classes = 60, 5
# Class 4 never occurs and is never predicted, class 3 is never predicted.
target = rng.integers(0, 4, n)
scores = np.round(rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[target], 3)
scores[:, 3:] -= 9
predicted = scores.argmax(1)
binary = rng.integers(0, 2, n)
# One decimal: many ties.
chance = np.round(np.clip(rng.normal(0.4, 0.25, n) + 0.2 * binary, 0, 1), 1)
truth = np.round(rng.normal(3, 2, (n, 2)), 3)
guess = np.round(truth + rng.normal(0, 1, (n, 2)), 3)
softmax = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def averages(score):
    zero = {"zero_division": 0}
    return {
        "micro": score(target, predicted, average="micro", **zero),
        "macro": score(target, predicted, average="macro", **zero),
        "weighted": score(target, predicted, average="weighted", **zero),
        "classes": score(target, predicted, average=None, labels=range(classes), **zero).tolist(),
        "binary": score(binary, (chance > 0.5).astype(int), **zero),
    }


print(json.dumps({
    "scores": scores.tolist(), "target": target.tolist(),
    "chance": chance.tolist(), "binary": binary.tolist(),
    "guess": guess.tolist(), "truth": truth.tolist(),
    "accuracy": m.accuracy_score(target, predicted),
    "top2": m.top_k_accuracy_score(target, scores, k=2, labels=range(classes)),
    "top3": m.top_k_accuracy_score(target, scores, k=3, labels=range(classes)),
    "binary_accuracy": m.accuracy_score(binary, chance > 0.5),
    "confusion": m.confusion_matrix(target, predicted, labels=range(classes)).tolist(),
    "precision": averages(m.precision_score),
    "recall": averages(m.recall_score),
    "f1": averages(m.f1_score),
    "auc": m.roc_auc_score(binary, chance),
    "mae": m.mean_absolute_error(truth.ravel(), guess.ravel()),
    "rmse": m.root_mean_squared_error(truth.ravel(), guess.ravel()),
    "r2": m.r2_score(truth.ravel(), guess.ravel()),
    "log_loss": m.log_loss(target, softmax, labels=range(classes)),
}))
