"""Who answers which health question."""
