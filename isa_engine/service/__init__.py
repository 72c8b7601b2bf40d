"""The engine as a service: one process answers HTTP and keeps the queue, another one generates.

``server`` starts both; ``api`` has the routes, ``access`` and ``upload`` guard them; ``store`` is the queue
and ``folders`` the files beside it; ``worker`` generates and ``supervisor`` keeps it alive. Only the worker
imports torch, and worker and service share nothing but the store and the folders.
"""
