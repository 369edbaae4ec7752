"""Attack a cage and see from the host what got through."""

from keelway.clients.trial.trial import Observed, Subject, try_cage

__all__ = ["Observed", "Subject", "try_cage"]
