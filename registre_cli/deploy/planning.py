"""Making the plan of one target: what each step finds there, and what it will leave."""

from collections.abc import Callable

from registre_cli.deploy.journal import Journal, Kind
from registre_cli.deploy.managers.base import (
    ALIVE_STATES,
    LEGACY_NAMES,
    POOL_NAME,
    ManagedProcess,
    ManagerName,
)
from registre_cli.deploy.plan import Plan, Step, StepName
from registre_cli.deploy.rollback import Recovery
from registre_cli.deploy.steps import Deployment, Goal
from registre_cli.deploy.survey import Survey
from registre_cli.deploy.target_settings import changed_names

_NOTHING = "nothing"
_SHOWN_NAMES = 6


def make_plan(target: str, manager: ManagerName, found: Survey, deployment: Deployment) -> Plan:
    """Return the plan of a deploy or a roll-back; nothing is changed yet."""
    goal = deployment.goal
    now, fresh = found.current.id if found.current else "no release", goal.release.id
    pools = found.named(POOL_NAME)
    legacy = found.named(*LEGACY_NAMES)
    steps = [Step(StepName.LOCK, _lock(found), f"held for {fresh}", deployment.take_lock)]
    if found.journal is not None:
        steps.append(_recover_step(found.journal, deployment.recover))
    if goal.kind is Kind.DEPLOY:
        steps.append(Step(StepName.INSTALL, now, _installed(found, goal), deployment.install))
    steps += [
        Step(
            StepName.VERIFY,
            "unchecked",
            f"every check of {fresh} passes on {target}",
            deployment.verify,
        ),
        Step(
            StepName.MIGRATE,
            ", ".join(e.name for e in goal.settings.environments),
            "what is missing is added",
            deployment.migrate,
        ),
        Step(StepName.SNAPSHOT, _snapshot(found), "remembered", deployment.snapshot),
        Step(StepName.STOP, _running(pools), "drained and stopped", deployment.stop_pool),
        Step(
            StepName.LEGACY,
            _running(legacy),
            "stopped; removed once the new pool is healthy" if legacy else _NOTHING,
            deployment.stop_legacy,
        ),
        Step(StepName.ORPHANS, _orphans(found), "none left", deployment.end_orphans),
        Step(StepName.SWITCH, f"current → {now}", f"current → {fresh}", deployment.switch),
        Step(
            StepName.START,
            f"no {POOL_NAME}",
            f"{POOL_NAME} of {fresh} under {manager}: {' '.join(goal.definition.command)}",
            deployment.start_pool,
        ),
    ]
    if found.ecosystem is not None and found.ecosystem.neighbours:
        names = found.ecosystem.neighbours
        steps.append(
            Step(
                StepName.NEIGHBOURS,
                _running(found.named(*names)),
                f"{', '.join(names)} as {found.ecosystem.path} defines them",
                deployment.start_neighbours,
            )
        )
    steps += [
        Step(
            StepName.HEALTH,
            "unproven",
            f"the pool itself proves within {goal.health_seconds:g} s that it works",
            deployment.prove_health,
        ),
        Step(
            StepName.SAVE,
            _running(legacy),
            f"{'forgotten; ' if legacy else ''}{manager} starts the rest after a boot",
            deployment.save,
        ),
        Step(StepName.AUDIT, "open", "written into the history", deployment.audit),
    ]
    warnings = found.ecosystem.warnings if found.ecosystem else ()
    return Plan(target, fresh, tuple(steps), warnings)


def make_recovery_plan(target: str, found: Survey, journal: Journal, recovery: Recovery) -> Plan:
    """Return the plan that ends a killed deploy and does nothing else."""
    steps = (
        Step(StepName.LOCK, _lock(found), "held for the recovery", recovery.take_lock),
        _recover_step(journal, recovery.recover),
    )
    return Plan(target, journal.previous or "what was before", steps)


def _recover_step(journal: Journal, action: Callable[[], None]) -> Step:
    before = f"interrupted {journal.describe()}"
    return Step(StepName.RECOVER, before, _recovered(journal), action)


def _lock(found: Survey) -> str:
    return f"broken, of {found.lock.describe()}" if found.lock else "free"


def _recovered(journal: Journal) -> str:
    if journal.healthy:
        return f"finished: its pool {journal.release} was healthy"
    return f"rolled back to {journal.previous or 'what was before'}"


def _installed(found: Survey, goal: Goal) -> str:
    if found.settings == goal.settings_content:
        return f"{goal.release.id}, settings unchanged"
    names = changed_names(found.settings, goal.settings_content)
    shown = ", ".join(names[:_SHOWN_NAMES]) + (" …" if len(names) > _SHOWN_NAMES else "")
    return f"{goal.release.id}, {'changed' if found.settings else 'new'} settings: {shown}"


def _snapshot(found: Survey) -> str:
    if found.lost_fleet:
        return f"PM2 died; its dump names {found.lost_fleet} processes, which are brought back"
    counts = [f"{len(known)} under {name}" for name, known in found.processes.items()]
    return f"{', '.join(counts)}"


def _running(processes: tuple[ManagedProcess, ...]) -> str:
    if not processes:
        return _NOTHING
    return ", ".join(
        f"{process.name} {process.state}"
        + (f" (pid {process.pid})" if process.state in ALIVE_STATES and process.pid else "")
        for process in processes
    )


def _orphans(found: Survey) -> str:
    return ", ".join(f"{o.name} (pid {o.pid})" for o in found.orphans) or "none seen"
