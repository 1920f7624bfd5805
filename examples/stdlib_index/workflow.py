"""The workflow: discover, fan out one step a module, join, survive a flaky step, sleep, report."""

import sysconfig
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from durableflow import DurableFlow, Retry, current, gather, sleep
from examples.stdlib_index.analysis import ModuleFacts, analyse, find_packages
from examples.stdlib_index.journal import Journal

df = DurableFlow("stdlib_index")


@dataclass(frozen=True)
class Order:
    """What to index, and where the journal and the report go."""

    root: str
    directory: str
    nap: timedelta = timedelta(seconds=2)
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The index in short, and the file that holds all of it."""

    modules: int
    lines: int
    functions: int
    undocumented: int
    most_complex: tuple[tuple[str, int], ...]
    most_imported: tuple[tuple[str, int], ...]
    path: str


def standard_library() -> str:
    """The directory of the running interpreter's standard library."""
    return sysconfig.get_path("stdlib")


@df.step
def discover(order: Order) -> list[str]:
    """Find the modules to index."""
    packages = find_packages(Path(order.root))
    chosen = order.packages or tuple(packages)
    return [module for package in chosen for module in packages[package]]


@df.step(retry=Retry(max_attempts=3, backoff=0.2))
def index_module(order: Order, module: str) -> ModuleFacts:
    """Read one module; its effect, a record in the journal, happens once however often this runs."""
    facts = analyse(Path(order.root), module)
    Journal(Path(order.directory)).record(current.idempotency_key, module)
    return facts


@df.step(retry=Retry(max_attempts=5, backoff=0.2, on=(ConnectionError,)))
def announce(modules: int) -> str:
    """A service that is down the first two times: the injected flaky step."""
    if current.attempt < 3:
        raise ConnectionError(f"the announcement service is down (attempt {current.attempt})")
    return f"announced {modules} modules at attempt {current.attempt}"


@df.step
def write_report(order: Order, facts: list[ModuleFacts], announcement: str) -> Report:
    """Write the index to a file, and give the short form of it."""
    imported = Counter(name for module in facts for name in module.imports)
    ranked = sorted(facts, key=lambda module: (-module.complexity, module.name))
    path = Path(order.directory) / "index.tsv"
    rows = ["module\tlines\tfunctions\tclasses\tcomplexity\tundocumented"]
    rows += [
        f"{m.name}\t{m.lines}\t{m.functions}\t{m.classes}\t{m.complexity}\t{','.join(m.undocumented)}" for m in facts
    ]
    path.write_text("\n".join([*rows, f"# {announcement}", ""]))
    return Report(
        modules=len(facts),
        lines=sum(module.lines for module in facts),
        functions=sum(module.functions for module in facts),
        undocumented=sum(len(module.undocumented) for module in facts),
        most_complex=tuple((module.name, module.complexity) for module in ranked[:5]),
        most_imported=tuple(imported.most_common(5)),
        path=str(path),
    )


@df.workflow
async def index(order: Order) -> Report:
    """Index the standard library."""
    modules = await discover(order)
    facts = await gather(*(index_module(order, module) for module in modules))
    announcement = await announce(len(facts))
    await sleep(order.nap)
    return await write_report(order, facts, announcement)
