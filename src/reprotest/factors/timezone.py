"""The time zone."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from reprotest.factors.base import Factor, Json, Launch, Seen, Setting

_ZONES = (("REPROA-14", "UTC+14"), ("REPROB+9:30", "UTC-9:30"))
"""POSIX notation (tzset(3)), which needs no time zone database; the sign is that of hours *west* of Greenwich."""


class Timezone(Factor):
    """TZ."""

    id = "timezone"
    what = "the time zone: local dates and hours, and what is computed from them"
    fix = "compute in UTC (datetime.now(UTC)), or set TZ=UTC for every run"
    order = 71

    def read(self) -> Mapping[str, Json]:
        return {"TZ": os.environ.get("TZ"), "zone": list(time.tzname), "seconds_west": time.timezone}

    def launch(self, setting: Setting) -> Launch:
        return Launch(env={"TZ": _ZONES[setting.variant - 1][0]}) if 1 <= setting.variant <= len(_ZONES) else Launch()

    def perturb(self, k: int) -> str | None:
        return f"TZ={_ZONES[k - 1][0]} ({_ZONES[k - 1][1]})" if 1 <= k <= len(_ZONES) else None

    def usual(self, seen: Seen) -> str:
        given = os.environ.get("TZ")
        return f"TZ={given}" if given else time.tzname[0]
