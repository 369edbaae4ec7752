"""Let fenced programs reach the hosts on a list, and write down each try."""

from keelway.clients.egress.egress import Egress
from keelway.clients.egress.inside import inside_environment
from keelway.clients.egress.values import EgressGrant, EgressLimits, EgressPass, EgressTotals

__all__ = ["Egress", "EgressGrant", "EgressLimits", "EgressPass", "EgressTotals", "inside_environment"]
