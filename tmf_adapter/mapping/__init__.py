"""The language of mappings/: which change of a ticket needs which recovery. Pure; imports tmf only.

document.py reads files: source.py YAML, grammar.py the keys (with keys.py, step_keys.py, report_keys.py, fields.py),
parts.py what they become (with words.py, steps.py, reports.py), faults.py what is wrong. expression.py is CEL (scan.py
what it refers to, plain.py its values, duration.py PT8H), render.py fills bodies, view.py is what a condition reads,
plan.py decides and explains, asking.py knows an answer, lint.py finds faults before run time (with names.py, bodies.py
and sample.py)."""
