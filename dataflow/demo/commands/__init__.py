"""Commands of the demo: ``dataflow demo``, ``dataflow broker`` and ``dataflow generate``, one file each."""
