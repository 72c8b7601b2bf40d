"""One evaluation of a long take by several workers, each with some of the windows of time.

``shared_evaluation.Spread`` deals the windows out and puts the answer together; a worker is a device of this
host (``devices``) or a node of a Ray cluster (``nodes``); tokens go from worker to worker by ``mail``.
"""
