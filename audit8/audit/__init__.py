"""The audit itself: text in, values out.

Knows source code, prompts, answers, findings and reports. Knows no model, no HTTP, no threads, no clock, no files:
whoever calls it hands in bytes, a token counter and the model's answers.

    decode -> sources -> chunks -> prompts -> (the engine answers) -> parse -> ground -> report
                      \\-> rules (static finders) ----------------------^
"""
