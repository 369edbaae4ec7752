"""Say in the words of in-toto what a gate judged and what a release passed."""
