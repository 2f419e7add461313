"""What all tests share: Hypothesis without a deadline, and the plugins of the test run."""

from hypothesis import settings

pytest_plugins = [
    "tests.plugins.matrices",
    "tests.plugins.ledger",
    "tests.plugins.costs",
    "tests.plugins.coverage_data",
]

settings.register_profile("here", deadline=None)  # a busy machine is no mistake of the code
settings.load_profile("here")
