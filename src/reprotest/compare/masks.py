"""What of a line of output may differ between two equal runs: times, rates, ids. Everything else stays, numbers above all.

A mask must be recognised by its own form (a date, a unit of time, a word like "elapsed" before it). A bare number is never masked,
nor is hexadecimal that nothing calls an id: it may be the checksum of somebody's weights.
"""

from __future__ import annotations

import re
from functools import lru_cache

_NUMBER = r"(?:\d+(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?"
_START = r"(?<![\w.])"
_DATE_START = r"(?<![\d.])"
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d+)?"
_DATE = r"(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:[0-2]?\d|3[01])"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_TIME_UNIT = r"(?:ns|nsecs?|nanoseconds?|[uµμ]s|[uµμ]secs?|microseconds?|ms|msecs?|milliseconds?|secs?|seconds?|mins|minutes?|hrs|hours?)"
_TIME_KINDS = (
    r"train|training|eval|evaluation|val|valid|validation|test|testing|epoch|step|batch|data|io|total|wall|cpu|gpu|user|sys|real|run|"
    r"fit|fitting|score|infer|inference|prediction|predict|fwd|bwd|forward|backward|optimizer|compile|load|loading|loader|save|saving|"
    r"init|iter|iteration|elapsed|avg|average|mean|start|end|started|finished|execution|exec|process|processing|remaining|gen|generation"
)
_TIME_WORD = (
    rf"(?:(?:(?:{_TIME_KINDS})[ _-]?){{0,4}}(?:time|runtime|walltime|elapsed|duration)(?:_?(?:s|sec|secs|seconds|ms))?"
    r"|took|eta|timestamp|wall|latency(?:_ms)?|(?<![\w-])[\w-]{1,60}_per_sec(?:ond)?|throughput|fps)"
)
_ID_WORD = (
    r"(?:runs?|trials?|sessions?|jobs?|experiments?|exp|traces?|requests?|uuid|guid|id)(?:[ _-]?(?:id|uuid|name|dir))?"
)
_COUNTED = r"(?:it|iters?|iterations?|samples?|tok|tokens?|steps?|images?|imgs?|examples?|batch(?:es)?|words?|frames?|rows?|records?|requests?)"
_MEMORY_WORD = r"(?<![A-Za-z])(?:(?:max|peak|cpu|gpu|host|resident|virtual|cuda)[ _-]?)*(?:mem|memory|rss|vram|ram|peak)(?:[ _-]?(?:usage|used|use|allocated|reserved|peak|footprint))*"
_HEX = r"(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{6,64}(?![0-9A-Za-z_])"

_RULES: tuple[tuple[str, str], ...] = (
    ("terminal control", r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"),
    ("ids", r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"),
    ("ids", rf"(?i:(?<![A-Za-z]){_ID_WORD})[\"']?(?: *(?:[:=#]|is))*[ /_\-\"']*{_HEX}"),
    ("addresses", r"\bat 0x[0-9a-fA-F]{6,16}\b|\b0x(?:7[ef]|5[56])[0-9a-fA-F]{10}\b"),
    ("dates", rf"datetime\.(?:datetime|date|time)\((?:\d+, )*\d+\)|{_DATE_START}{_DATE}[T _-]{_CLOCK}(?:Z| ?[+-]\d\d:?\d\d)?(?![\d:])"),
    ("dates", rf"{_DATE_START}{_DATE}[T _-](?:[01]?\d|2[0-3])[-:.][0-5]\d(?:[-:.][0-5]\d(?:[.,]\d+)?)?(?!\d)"),
    ("dates", rf"\b{_DAY},? +{_MONTH} +\d{{1,2}} +{_CLOCK}(?: [A-Z]{{3,4}})? +\d{{4}}\b"),
    ("dates", rf"\b(?:{_DAY},? +)?\d{{1,2}}[ -]{_MONTH}[ -]\d{{4}}(?:[ :]+{_CLOCK})?\b|\b{_MONTH} +\d{{1,2}}(?:, +\d{{4}}| +{_CLOCK})\b"),
    ("dates", rf"{_DATE_START}{_DATE}(?![\d.])|{_DATE_START}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])[-_T]\d{{6}}(?!\d)"),
    ("ids", r"(?<=<dates>)[-_](?=[0-9a-z]*\d)(?=[0-9a-z]*[a-z])[0-9a-z]{6,40}(?![\w.])"),  # as Weights & Biases calls its runs
    ("dates", r"(?<![\w./])(?:[0-2]?\d|3[01])/(?:[0-2]?\d|3[01])/(?:19|20)?\d\d(?![\w./])"),
    ("dates", r"(?<![\w.])[IWEF](?:\d{4}|\d{8}) \d\d:\d\d:\d+\.\d{1,9} +\d+ (?=[\w./-]+:\d+\])"),  # glog and absl, with the thread
    ("times", rf"(?<![\w.:]){_CLOCK}(?: ?[AaPp][Mm]\b)?(?![\d:])|(?<![\w.:])\d{{1,2}}:\d\d ?[AaPp][Mm]\b"),
    ("times", r"(?<=\[)\d+:[0-5]\d(?::[0-5]\d)?<(?:\d+:[0-5]\d(?::[0-5]\d)?|\?)|(?<=<)\d+:[0-5]\d(?::[0-5]\d)?(?=[,\]])"),
    ("rates", rf"{_START}{_NUMBER} ?[A-Za-z]+ ?/ ?(?:s|sec|second|min|minute|h|hour)\b|\? ?[A-Za-z]+/s\b"),
    ("rates", rf"{_START}{_NUMBER} ?(?:ns|[uµμ]s|ms|s|sec|seconds?)/ ?[A-Za-z]+\b"),
    ("rates", rf"{_START}{_NUMBER} ?(?:fps|FPS|[kMG]?i?B/s|[kKMGT]?bps|(?:it|samples?|tokens?|steps?|images?|examples?) per sec(?:ond)?)\b"),
    ("rates", rf"(?i:(?<![A-Za-z]){_COUNTED} ?/ ?(?:s|sec|second))[\"']?(?: *[:=])? *{_NUMBER}(?![\w.])"),
    ("memory", rf"(?i:{_MEMORY_WORD})[\"']?(?: *(?:[:=]|is))* *{_NUMBER} ?(?:[kKMGT]i?B?|bytes)\b"),
    ("durations", rf"\b(?:Time|Data|(?:batch|data)_time)[: ] *{_NUMBER} ?\( *{_NUMBER}\)"),  # now, and on average
    ("durations", rf"{_START}(?:\d+(?:d|days?,?) ?)?(?:\d+h ?)?\d+m(?:in)? ?{_NUMBER}s\b|{_START}\d+h ?\d+m(?:in)?\b|{_START}{_NUMBER}(?:min|h)\b"),
    ("durations", rf"{_START}{_NUMBER}(?: ?{_TIME_UNIT}|s)\b(?![\w=/]|\.\d)|{_START}{_NUMBER} s\b(?![\w=/]|\.\d|[ =:]*[-+.]?\d)"),
    ("durations", rf"(?i:(?<![A-Za-z]){_TIME_WORD})[\"']?(?: *(?:[:=]|is|was|of|in))* *\(?{_NUMBER}(?![\w.])"),
    ("process ids", r"(?i:(?<![A-Za-z])(?:pid|ppid|tid|process[ _]id|thread[ _]id))[\"']?\)? *[:=#]? *\d+"),
    ("ports", r"(?<![\w.])(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):\d{2,5}\b"),
    ("paths", r"(?<![\w.~/<])~?/(?:[^\s/'\"<>:,;()\[\]{}|=]+/)+"),
    ("temporary names", r"\btmp[a-z0-9_]{8}\b|\.tmp\.[A-Za-z0-9]{6,}\b"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _RULES)
_SIGNS = re.compile(r"[0-9/\x1b]|tmp")


@lru_cache(maxsize=1024)
def masked(line: str) -> tuple[str, frozenset[str]]:
    """A line without what may differ, and the kinds of things that were masked ("times", "paths")."""
    kinds: set[str] = set()
    if not _SIGNS.search(line):
        return line, frozenset()
    for kind, pattern in _COMPILED:
        # One mark for all kinds of time: a longer duration may be written in another form.
        mark = "" if kind == "terminal control" else f"<{kind}>"
        line, n = pattern.subn(mark, line)
        if n:
            kinds.add(kind)
    return line, frozenset(kinds)
