"""``match``: patterns that bind, guards that wait, subjects that are awaited."""

from tests.fidelity.prelude import *


async def every_pattern():
    seen = []
    for subject in [
        0, 1, 2.5, "x", "yes", [], [1], [1, 2, 3], (4, 5), {"k": 1, "z": 2}, {}, Box(1, [2]), Box("b"), Color.RED, None, True,
        b"b", {"nested": [Box(7), {"deep": 8}]}, -3,
    ]:
        match subject:
            case 0 | 1 as small:
                seen.append(("small", small))
            case -3:
                seen.append("negative")
            case float(f):
                seen.append(("float", f))
            case "x":
                seen.append("x")
            case str() as s if await flag(1):
                seen.append(("str", s))
            case []:
                seen.append("empty")
            case [one]:
                seen.append(("one", one, await num(one)))
            case [first, *rest]:
                seen.append(("many", first, rest))
            case {"nested": [Box(value=v), {"deep": deep}]}:
                seen.append(("nested", v, await num(deep)))
            case {"k": k, **others}:
                await num(k)
                seen.append(("mapping", k, others))
            case Box(int(v), [item]):
                seen.append(("box", v, item))
            case Box(value=v):
                seen.append(("other box", v))
            case Color.RED:
                seen.append("red")
            case None | True:
                seen.append("singleton")
            case _:
                seen.append(("default", await num(0)))
    return seen


async def awaited_subject():
    match await pair(see(1)):
        case (a, b) if see(a) > b:
            return "greater", await num(a)
        case (a, b) if await flag(a) and see(b):
            return "guard", a, b
        case (c, d):
            return await num(c), d


async def guard_falls_through():
    match await items(3):
        case [a, *_] if await num(a) < 0:
            see("no")
        case [_, b, *_] if see(b) and await flag(2):
            see(("yes", b))
        case xs if see(len(xs)) and not await flag(0):
            see(xs)
        case _:
            see("default")
    try:
        return a, b
    except UnboundLocalError as error:
        return str(error)


async def no_case_fits():
    match await num(1):
        case "text":
            see("no")
    return "end"


async def inside_of_a_loop():
    out = []
    for x in [1, 2, 3, 4, 5]:
        match x:
            case 1:
                continue
            case 4:
                break
            case 2:
                await num(x)
            case n if await num(n):
                out.append(n)
        out.append(("after", x))
    return out


async def inside_of_a_try():
    try:
        match await num(3):
            case 99:
                see("no")
            case n if boom(await num(n) * 0):
                see("no")
    except Oops as error:
        match error.args:
            case ("boom", number):
                await num(1)
                handling()
                return number


async def pattern_binds_captured_variables():
    value = None
    f = lambda: value
    match await pair(1):
        case (value, _):
            await num(1)
    return f()


async def subject_is_evaluated_once():
    match see([await num(1)]):
        case [0]:
            see("no")
        case [x, y]:
            see("no")
        case [x] if await flag(1):
            return x
        case _:
            return "default"


async def star_subject():
    a = await num(1)
    match a, *await items(2):
        case first, *rest:
            return first, rest, await num(2)


async def nested_matches():
    match await pair(1):
        case (a, b):
            match b:
                case 2 if await flag(1):
                    match [a, b, await num(3)]:
                        case [*all_]:
                            return all_
                case _:
                    return "inner default"
    return "end"


async def attribute_error_in_a_pattern():
    match await crate(1):
        case Box(missing=1):
            see("no")
        case Box(1, 2, 3):
            see("too many")


async def return_in_a_case_through_finally():
    try:
        match await num(1):
            case x:
                return see(x)
    finally:
        await num(2)
        see("finally")
