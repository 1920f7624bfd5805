"""What families of programs are about: which forms they write how many times as often."""

from tests.fidelity.grammar.author import Theme


def _theme(name: str, factors: str = "", failing: int = 3) -> Theme:
    """``factors`` as "form 4, other form 0.5"."""
    pairs = (entry.split() for entry in factors.split(",") if entry.strip())
    return Theme(name, {form: float(factor) for form, factor in pairs}, failing)


THEMES: tuple[Theme, ...] = (
    _theme("everything"),
    _theme(
        "expressions",
        "look 4, call_of_stars 3, assign_target 2, call 3, awaited 3, either 3, ternary 3, chained 3, formatted 4,"
        "walrus 3, mixed_either 3, exploding 0.4",
    ),
    _theme(
        "targets",
        "assign_target 4, assign_many 5, unpack 5, augment 4, augment_value 4, annotated 3, swap 3, item_target 3,"
        "shelf_target 3, attribute_target 3, awaited_target 4, forget_item 2",
    ),
    _theme(
        "loops",
        "while_loop 4, for_loop 4, leave_perhaps 2, leave_loop_perhaps 2, held_iterator 2, changing_loop 2",
    ),
    _theme(
        "iteration",
        "for_loop 4, held_iterator 5, changing_loop 5, walk_pairs 3, walk_ints 2, walk_collection 4, walk_lazily 4,"
        "mutate 2",
    ),
    _theme(
        "exceptions",
        "try_except 5, try_finally 4, failing 4, exploding 3, leave_perhaps 2, observe_handling 3, error_variable 3",
        failing=7,
    ),
    _theme(
        "leaving",
        "try_finally 7, try_except 3, leave 4, leave_perhaps 3, leave_loop_perhaps 4, leave_loop 4, for_loop 3,"
        "while_loop 3, with_block 2",
        failing=5,
    ),
    _theme(
        "blocks",
        "async_with_block 12, try_finally 3, try_except 3, leave 3, leave_perhaps 2, leave_loop_perhaps 3, for_loop 2,"
        "while_loop 2, observe_handling 2",
        failing=6,
    ),
    _theme(
        "closures",
        "local_lambda 5, local_function 6, recursive_function 4, function_list 5, loop_of_functions 4,"
        "counter_functions 4, local_call 5, stored_call 5, comprehended 2, forget 2, shared_cell 10,"
        "captured_container 6",
    ),
    _theme("aliasing", "alias 6, mutate 5, mutate_freely 5, inspect_any 5, identity 4, list_variable 2"),
    _theme("unbound", "forget 10, condition 2, annotated 3, try_except 3, for_loop 2, shadowing 3"),
    _theme("matching", "matching 12, condition 2, awaited 2, assertion 2"),
    _theme(
        "comprehensions",
        "comprehended 5, mapped 6, nested_mapped 5, dict_mapped 4, set_mapped 4, shadowing 6, function_list 3, look 2",
    ),
)
