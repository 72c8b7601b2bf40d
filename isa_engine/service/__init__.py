"""The engine as a service: one process answers HTTP and keeps the queue, another one generates.

``server`` starts both. A job goes through the rooms in this order:

| what | room |
|---|---|
| its shot comes in, from somebody who may send it: ``access``, ``upload``, ``job_routes`` | ``http`` |
| it lies on the disk, ``folders``, and waits in the ``store`` | ``files``, ``queue`` |
| a ``worker``, which a ``supervisor`` keeps alive, takes it by its claim and generates | ``work`` |
| whoever sent it hears how far it is, ``feed``, and fetches the results, ``result_routes`` | ``http`` |
| its end is told to others, ``webhook``; why it waits, to whoever waits | ``operation`` |
| its files are held against what the queue says of them, and go after some time | ``upkeep`` |

Only ``work`` imports torch, and worker and service share nothing but ``queue`` and ``files``.
"""
