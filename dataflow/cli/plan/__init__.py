"""`dataflow plan`: what a rate of events needs, by measured figures."""
