"""Table 4 and Fig. 14: runs that differ in their conditioning, trained alike and compared."""
