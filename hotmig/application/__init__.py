"""The application of the demonstration and the benchmark: a process that writes, and tells how it fared."""
