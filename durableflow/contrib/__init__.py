"""Integrations: one module or package each, which needs the library that it is for. Nothing else imports them."""
