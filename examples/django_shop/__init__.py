"""A Django project whose orders are workflows: the usual layout, with one line more in INSTALLED_APPS."""
