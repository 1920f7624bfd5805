"""A model chooses tools until it knows the answer, and a person is asked before a dangerous one."""
