"""Keep a balancer of others: start it, tell it who takes traffic, count what it carries, bring it back."""
