"""Handwritten programs, by subject: every trap of the design, and (``found``) what the generator once found.

A module's every ``async def`` is a program. It is run with awaits that succeed, and once for each of its awaits with
that one failing. ``CALLS`` names what a program with parameters is called with.
"""
