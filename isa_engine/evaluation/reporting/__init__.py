"""What a person reads of an evaluation, and sees while waiting: tables, plots, progress."""
