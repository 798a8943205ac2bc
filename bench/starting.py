"""Measuring from start to ready, and the memory of an idle worker."""

import compileall
from pathlib import Path
from statistics import median

import service
from bench.measure import Finding
from bench.servers import service_over
from bench.stage import Stage


async def start(stage: Stage) -> list[Finding]:
    """Start the service a few times over the full database, with its bytecode made, as an installation has it."""
    compileall.compile_dir(Path(str(service.__file__)).parent, quiet=1)
    seconds: list[float] = []
    megabytes: list[float] = []
    for _ in range(stage.pace.rounds):
        async with service_over(stage.full.url) as served:
            seconds.append(served.seconds_to_ready)
            megabytes.append(served.resident_megabytes)
    spread = f"{min(seconds):.2f} to {max(seconds):.2f} s"
    return [
        Finding("from start to ready", 2.0, median(seconds), spread, "s"),
        Finding("resident memory of an idle worker", 150.0, median(megabytes), f"{stage.pace.rounds} starts", "MB"),
    ]
