"""A ``module:attribute`` that cannot be used is told in one message, without a traceback of ours."""

from pathlib import Path

import pytest

from tests.cli.conftest import Durableflow, write


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("shop", "'shop' is not of the form module:attribute, such as shop:df"),
        ("shop:", "'shop:' is not of the form module:attribute, such as shop:df"),
        ("shop.py:df", "'shop.py:df' names a file: write the module, as in shop:df"),
        ("shpo:checkout", "there is no module 'shpo': did you mean shop?"),
        ("nothing.like.it:checkout", "there is no module 'nothing.like.it' (looked in "),
        ("shop:chekout", "shop has no 'chekout': did you mean shop:checkout?"),
        ("shop:df", "shop:df is not a workflow or routine but a DurableFlow: did you mean shop:checkout or "),
        ("shop:charge", "shop:charge is not a workflow or routine but a Step: did you mean "),
        (
            "json:dumps",
            "json:dumps is not a workflow or routine but a function, and nothing in json is a workflow or routine",
        ),
    ],
)
def test_a_name_that_is_not_there_gets_the_nearest_one(inline: Durableflow, spec: str, message: str) -> None:
    done = inline("graph", spec)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"durableflow: {message}")


def test_a_process_ends_with_the_message_and_status_2(durableflow: Durableflow) -> None:
    done = durableflow("graph", "shpo:checkout")
    assert (done.returncode, done.stderr) == (2, "durableflow: there is no module 'shpo': did you mean shop?\n")


def test_an_error_in_the_users_module_shows_the_users_traceback_only(inline: Durableflow, shop: Path) -> None:
    write(shop / "broken.py", "import helper\n")
    write(shop / "helper.py", "def f():\n    return 1 / 0\n\nf()\n")
    done = inline("graph", "broken:checkout")
    assert done.returncode == 2
    assert done.stderr.startswith("durableflow: importing broken failed:\n\nTraceback (most recent call last):\n")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    files = [line.split('"')[1] for line in done.stderr.splitlines() if line.startswith('  File "')]
    assert [Path(file).name for file in files] == ["broken.py", "helper.py", "helper.py"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("import no_such_package\n", "No module named 'no_such_package'"),
        ("x = (\n", "SyntaxError: '(' was never closed"),
        ("raise SystemExit(0)\n", "SystemExit: 0"),
    ],
)
def test_whatever_ends_the_import_is_shown(inline: Durableflow, shop: Path, source: str, shown: str) -> None:
    write(shop / "broken.py", source)
    done = inline("worker", "broken:df")
    assert done.returncode == 2
    assert "importing broken failed" in done.stderr
    assert shown in done.stderr
    assert "cli/loading.py" not in done.stderr


def test_a_workflow_that_cannot_be_compiled_shows_its_line(inline: Durableflow, shop: Path) -> None:
    source = """
        from durableflow import DurableFlow

        df = DurableFlow("shop")

        @df.workflow
        async def checkout(order: str) -> None:
            async for each in order:
                pass
    """
    write(shop / "broken.py", source)
    done = inline("graph", "broken:checkout")
    assert done.returncode == 2
    assert "WorkflowDefinitionError" in done.stderr
    assert "broken.py" in done.stderr
    assert "async for each in order" in done.stderr
    assert "durableflow/machine" not in done.stderr
