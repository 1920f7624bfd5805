"""The state table, printed."""

from pathlib import Path

from durableflow.machine import compile_function, graph_mermaid, graph_text
from tests.machine.support import load

TEXT = """
from tests.machine.support import echo

async def saga(items):
    try:
        for item in items:
            if item > 1:
                await echo(item)
    except KeyError as error:
        await echo("undo <all>")
        raise
    return len(items)
"""


def test_the_text_shows_each_state_with_its_line_and_ways(tmp_path: Path) -> None:
    machine = compile_function(load(tmp_path, TEXT).saga)
    assert graph_text(machine) == f"saga@{machine.version}" + EXPECTED_TEXT


def test_the_chart_names_what_is_awaited_and_draws_errors_dotted(tmp_path: Path) -> None:
    chart = graph_mermaid(compile_function(load(tmp_path, TEXT).saga))
    assert chart.startswith("flowchart TD\n    s0[")
    assert 's4(["4 · line 8<br/>await echo(item)"])' in chart
    assert "echo('undo #lt;all#gt;')" in chart
    assert "s2 -->|yes| s3" in chart
    assert "s4 -.-> s5" in chart


def test_states_know_their_line_in_the_file_and_in_the_function(tmp_path: Path) -> None:
    machine = compile_function(load(tmp_path, TEXT).saga)
    assert [state.number for state in machine.states] == list(range(len(machine.states)))
    assert {state.line - state.offset for state in machine.states} == {4}
    assert machine.states[4].kind == "await"
    assert machine.states[4].label == "echo(item)"


EXPECTED_TEXT = """: 11 states
 0  line 4   start   -> 1
 1  line 6   run     -> 2   (error -> 5)
 2  line 6   loop     for item in items -> 3, 10   (error -> 5)
 3  line 7   branch   item > 1 -> 4, 2   (error -> 5)
 4  line 8   await    echo(item) -> 2   (error -> 5)
 5  line 9   handler  except KeyError -> 6
 6  line 9   run     -> 7
 7  line 10  await    echo('undo <all>') -> 8   (error -> 9)
 8  line 11  raise     (error -> 9)
 9  line 9   handler  leave the handler: del error
10  line 11  return
"""
