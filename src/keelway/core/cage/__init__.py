"""What a sandbox has to hold, what each is known not to hold, and who may work behind a weak one."""
