"""The whole course of `vary` on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from reprotest.factors import all_factors
from reprotest.fleet.cluster import targets
from reprotest.fleet.pool import Pool
from reprotest.fleet.sites import Sites
from reprotest.options import OnEvent, ignore
from reprotest.run.command import Command
from reprotest.run.store import Store, full_disk_said
from reprotest.vary.options import VaryOptions, selected
from reprotest.vary.result import VaryReport
from reprotest.vary.session import Session


def vary_session(
    client: Any, words: Sequence[str], command: Command, options: VaryOptions, on_event: OnEvent = ignore
) -> VaryReport:
    """Say on what the result of a command depends, with runs on the workers of a cluster.

    Args:
        client: of the cluster.
        words: the command, a leading "--" included.
        command: the same, parsed here.
        options: what to vary, how far, how long.
        on_event: told of every run.

    Returns:
        The report, as of `vary.session.vary_session`, with the part that each worker had.

    Raises:
        UsageError: the cluster has no workers, or the store cannot be written.
    """
    selected(options.select, (one.id for one in all_factors()))
    store = Store.at(command.cwd)
    workers = targets(client)
    sites = Sites(client, "vary", words, command.cwd, asdict(options), store, on_event)
    pool = Pool(sites, workers, store)
    with full_disk_said(store):
        try:
            report = Session(command, options, store, pool, on_event).carry_out()
        finally:
            sites.close()
    report.hosts = pool.workers
    return report
