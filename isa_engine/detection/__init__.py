"""People in foreign pictures and footage, found by a detector where it can do no harm.

``networks`` are MediaPipe's, which see one person at a time; ``crops`` and ``people`` show them parts of a
picture and make sightings of what they see; ``process`` runs this in a limited process of an environment of
its own; ``detector`` asks that process.
"""
