"""The language of mappings/: which change of a ticket needs which recovery. Pure; imports tmf only.

document.py reads files: source.py YAML, grammar.py the keys (with keys.py, step_keys.py, report_keys.py, fields.py),
parts.py what they become (with words.py, steps.py, reports.py), reasons.py the vocabulary, cases.py what is tested,
faults.py what is wrong; schema.py tells editors. mappings.py is a set of them, live.py the one that holds now.
expression.py is CEL (library.py loads it, scan.py: what it refers to, cost.py: what it may cost, plain.py: its
values, duration.py: PT8H), forms.py those conditions that Python can test, render.py fills bodies, view.py is what a
condition reads, plan.py decides and explains (index.py finds whom to ask at all), asking.py knows an answer. lint.py
finds faults before run time, with names.py, bodies.py, trial.py (types), claims.py (what can never hold), endings.py,
sharing.py and sample.py."""
