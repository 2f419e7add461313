"""Under coverage.py a process writes its data when its tests are over.

At its exit is too late for a worker of pytest-xdist: execnet kills one that has not ended within a second, and data of
a whole suite takes longer to write.
"""

import coverage


def pytest_sessionfinish() -> None:
    """Nothing where coverage is not measured."""
    if measuring := coverage.Coverage.current():
        measuring.save()
