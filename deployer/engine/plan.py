"""From facts to a plan, without touching anything: what each step would do, and which problems prevent it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployer.engine.changes import Change, Note, Stop
from deployer.engine.facts import Answer, Ask, Facts, Probes, Resolve, Unknown
from deployer.engine.step import Step
from deployer.engine.survey import questions
from deployer.inventory.model import Inventory

Resolver = Callable[[tuple[Resolve, ...]], Mapping[Resolve, Answer]]


@dataclass(frozen=True)
class StepPlan:
    """One step's plan. `unknown` is why it cannot be made yet, `problems` why it cannot be made at all."""

    step: Step
    changes: tuple[Change, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[Note, ...] = ()
    unknown: str = ""


@dataclass(frozen=True)
class SurveyResult:
    """All answers of one survey, by question: the host's and the name servers'."""

    host: Mapping[Ask, Answer]
    names: Mapping[Resolve, Answer]

    def facts(self, probes: Probes) -> Facts:
        return Facts({key: self._answer(probe) for key, probe in probes.items()})

    def _answer(self, probe: Ask | Resolve) -> Answer:
        return self.host[probe] if isinstance(probe, Ask) else self.names[probe]


def asked_of_host(host: Inventory, steps: Sequence[Step]) -> tuple[Ask, ...]:
    probes = (probe for step in steps for probe in step.probes(host).values())
    return questions(probe for probe in probes if isinstance(probe, Ask))


def asked_of_names(host: Inventory, steps: Sequence[Step]) -> tuple[Resolve, ...]:
    probes = (probe for step in steps for probe in step.probes(host).values())
    return tuple(dict.fromkeys(probe for probe in probes if isinstance(probe, Resolve)))


def plan(step: Step, host: Inventory, survey: SurveyResult) -> StepPlan:
    """The step's plan; a fact that the host could not answer makes it unknown, never empty."""
    try:
        wanted = tuple(step.plan(host, survey.facts(step.probes(host))))
    except Unknown as unknown:
        return StepPlan(step, unknown=str(unknown))
    except Stop as stop:
        return StepPlan(step, problems=stop.problems)
    notes = tuple(item for item in wanted if isinstance(item, Note))
    return StepPlan(step, tuple(item for item in wanted if not isinstance(item, Note)), notes)


def name_of(step: Step) -> str:
    """The short name of a step: its file."""
    return getattr(step, "__name__", type(step).__name__).rpartition(".")[2]
