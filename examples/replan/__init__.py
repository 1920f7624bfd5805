"""A plan is a list of actions, and each action may write another one."""
