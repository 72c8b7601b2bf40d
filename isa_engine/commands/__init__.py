"""The commands of ``isa-engine``, one a module: ``HELP``, ``add_arguments(parser)``, ``run(arguments)``.

A command imports what is beyond the base install (torch, for instance) in ``run``: so ``--help`` and commands
that need little work without it, and begin at once.
"""
