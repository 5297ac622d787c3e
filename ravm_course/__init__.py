"""Companion package of the course, from n-grams to retrieval-augmented vision-language models.

The package is a house with floors. A room imports only from the floors below its own:

0. :mod:`ravm_course.data`, :mod:`ravm_course.metrics`
1. :mod:`ravm_course.plots`, :mod:`ravm_course.text`, :mod:`ravm_course.nn`
2. :mod:`ravm_course.training`
3. :mod:`ravm_course.lm`
4. :mod:`ravm_course.vlm`
5. :mod:`ravm_course.retrieval`
6. :mod:`ravm_course.ravlm`
8. :mod:`ravm_course.checks`, which looks at all rooms to check the exercises
"""

__version__ = "0.1.0"
