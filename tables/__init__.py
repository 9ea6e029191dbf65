"""Tables: one file each; what is counted, by which key, in which windows."""
