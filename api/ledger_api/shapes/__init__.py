"""The shapes of answers, for the documentation and for the tests that hold the answers to them.

Answers are written from rows directly; none of these is made while answering.
"""
