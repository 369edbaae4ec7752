"""Remember what each release answered, across restarts of the front."""
