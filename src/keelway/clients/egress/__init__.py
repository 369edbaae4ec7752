"""Let fenced programs reach the hosts on a list, and write down each try."""

from keelway.clients.egress.egress import Egress
from keelway.clients.egress.inside import PORT, inside_environment, proxy_url
from keelway.clients.egress.values import EgressGrant, EgressLimits, EgressPass, EgressTotals

__all__ = [
    "PORT",
    "Egress",
    "EgressGrant",
    "EgressLimits",
    "EgressPass",
    "EgressTotals",
    "inside_environment",
    "proxy_url",
]
