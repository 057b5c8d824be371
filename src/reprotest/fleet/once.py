"""One run of a command on each of the chosen workers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from reprotest.fleet import remote
from reprotest.fleet.cluster import Target
from reprotest.fleet.crew import Answer, Crew, Status
from reprotest.fleet.turns import Place, Turns


def gather(client: Any, chosen: list[Target], job: dict[str, Any], told: Callable[[Answer], None]) -> list[Answer]:
    """Run the job on every target and wait for all that still can answer.

    Runs go side by side unless they would meet in the files that the command leaves (`fleet.turns`).

    Args:
        client: of the cluster.
        chosen: where to run.
        job: as `remote.replica` takes it.
        told: called with each answer as it comes.
    """
    crew = Crew(client, job["fleet"])
    answers: list[Answer] = []
    places: dict[Target, Place] = {}
    try:
        for target in chosen:
            crew.begin(target, remote.look, job["cwd"], timeout=0.0)
        while crew.busy:
            for answer in crew.wait():
                if answer.status is Status.DONE:
                    places[answer.target] = Place(answer.result["host"], answer.result["folder"])
                else:
                    answers.append(answer)
                    told(answer)
        turns = Turns(places)
        waiting = [target for target in chosen if target in places]
        while waiting or crew.busy:
            for target in list(waiting):
                if turns.may_begin(target, crew.busy):
                    waiting.remove(target)
                    crew.begin(target, remote.replica, job, timeout=job["timeout"])
            for answer in crew.wait():
                if answer.status is Status.DONE:
                    turns.learn(answer.result["left"])
                answers.append(answer)
                told(answer)
    finally:
        if crew.abandon() or any(answer.status is Status.LATE for answer in answers):
            with suppress(Exception):  # what cannot be reached cannot be ended either
                client.run(remote.end, job["fleet"], on_error="ignore")
    return sorted(answers, key=lambda answer: chosen.index(answer.target))


def new_name() -> str:
    """A name for one session on a cluster."""
    return uuid.uuid4().hex[:12]
