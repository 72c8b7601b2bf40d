"""The commands of ``isa-engine``, one a module: ``HELP``, ``add_arguments(parser)``, ``run(arguments)``.

What a command needs beyond the base install it imports when it runs.
"""
