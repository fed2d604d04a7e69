"""Fitting of logistic regressions, and of the line that turns log odds into calibrated ones."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from models.scorers import Logistic

Values = NDArray[np.float64]

RIDGE = 10.0


def fit_line(x: Values, y: Values, weight: Values) -> Logistic:
    """Ridge-regularised weighted logistic regression on columns that are standardised first.

    Parameters
    ----------
    x : float64 (row, column)
    y : float64 (row,)
        0 or 1.
    weight : float64 (row,)
    """
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale < 1e-9] = 1.0
    z = (x - mean) / scale
    sign = 2.0 * y - 1.0

    def loss(theta: Values) -> tuple[float, Values]:
        margin = sign * (z @ theta[:-1] + theta[-1])
        pull = -weight * sign / (1 + np.exp(np.clip(margin, -40, 40)))
        value = float((weight * np.logaddexp(0, -margin)).sum() + RIDGE / 2 * (theta[:-1] ** 2).sum())
        return value, np.append(z.T @ pull + RIDGE * theta[:-1], pull.sum())

    best = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return Logistic(
        mean=_short(mean), scale=_short(scale), weight=_short(best.x[:-1]), intercept=float(_short(best.x[-1:])[0])
    )  # fmt: skip


def calibration(log_odds: Values, right: Values, weight: Values) -> tuple[float, float]:
    """Slope and offset from raw to calibrated log odds, by weighted logistic regression (Platt 1999).

    Parameters
    ----------
    log_odds, right, weight : float64 (claim,)
        Of claims on places that the scorer has not seen; `right` is 0 or 1.
    """
    if len(right) == 0 or right.min() == right.max():
        return 1.0, 0.0
    sign = 2.0 * right - 1.0

    def loss(theta: Values) -> tuple[float, Values]:
        margin = sign * (theta[0] * log_odds + theta[1])
        pull = -weight * sign / (1 + np.exp(np.clip(margin, -40, 40)))
        value = float((weight * np.logaddexp(0, -margin)).sum() + 0.5 * (theta[0] - 1) ** 2)
        return value, np.array([(pull * log_odds).sum() + theta[0] - 1, pull.sum()])

    best = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B")
    return round(max(float(best.x[0]), 0.05), 4), round(float(best.x[1]), 4)


def _short(values: Values) -> Values:
    """Rounded to five digits, as they are written: what is written is what was judged."""
    return np.array([float(f"{value:.5g}") for value in values])
