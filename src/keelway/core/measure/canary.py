"""Weigh a canary against the old release that serves beside it at the same time.

Noise that both share within a tick cancels, so this form needs no tempering; it is a product of conditional
likelihood ratios and holds its false-alarm rate for any error rate that varies over time.
"""

import math
from collections.abc import Sequence

from keelway.core.measure.eprocess import DEPLOY_WEIGHT, RATIOS, log_sum_exp
from keelway.core.measure.sample import Counts


def canary_log_e_value(
    pairs: Sequence[tuple[Counts, Counts]], ticks_in_window: int, tolerance_ratio: float
) -> float:
    """Give log E after some ticks of (canary, control) in their order.

    Each ratio r carries a stake S_r from 1/2 on, takes 1 / (2 ticks_in_window) more at every tick for a
    regression that starts there, and is multiplied by the tick's likelihood ratio; E is the mean of S_r plus
    the unspent stake. Raises ValueError when the window has no tick.
    """
    if ticks_in_window < 1:
        raise ValueError(f"A canary window of {ticks_in_window} ticks can show nothing; give at least one.")
    log_weight = math.log((1.0 - DEPLOY_WEIGHT) / ticks_in_window)
    stakes = [math.log(DEPLOY_WEIGHT)] * len(RATIOS)
    for index, (canary, control) in enumerate(pairs):
        if index < ticks_in_window:
            stakes = [log_sum_exp((stake, log_weight)) for stake in stakes]
        steps = _steps(canary, control, tolerance_ratio)
        stakes = [stake + step for stake, step in zip(stakes, steps, strict=True)]
    mean = log_sum_exp(stakes) - math.log(len(RATIOS))
    spent = min(len(pairs), ticks_in_window) / ticks_in_window
    unspent = (1.0 - DEPLOY_WEIGHT) * (1.0 - spent)
    return log_sum_exp((mean, math.log(unspent))) if unspent else mean


def _steps(canary: Counts, control: Counts, tolerance_ratio: float) -> list[float]:
    """Give each ratio's log likelihood ratio of one tick; a side without requests tells nothing."""
    if not (canary.requests and control.requests):
        return [0.0] * len(RATIOS)
    scaled = tolerance_ratio * canary.requests
    share = scaled / (control.requests + scaled)
    both = canary.events + control.events
    return [canary.events * math.log(ratio) - both * math.log1p(share * (ratio - 1.0)) for ratio in RATIOS]
