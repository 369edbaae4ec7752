"""Where the policy in force comes from: the operator's file above the repository's own."""
