"""The language of mappings/: which change of a ticket needs which recovery. Pure.

document.py is the grammar, expression.py is CEL, view.py what a condition reads, plan.py decides and explains,
render.py fills bodies, lint.py finds faults before run time. Imports tmf only."""
