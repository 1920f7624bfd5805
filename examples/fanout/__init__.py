"""As many steps as another step has found things for, some at a time, and no error that stops the rest."""
