"""How long Hypothesis looks for a counterexample: HYPOTHESIS_PROFILE=nightly for long."""

import os

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "fast", max_examples=200, deadline=None, suppress_health_check=SLOW
)
settings.register_profile(
    "nightly", max_examples=3000, deadline=None, suppress_health_check=SLOW
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
