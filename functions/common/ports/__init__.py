"""What functions need from outside, as Protocols of one to three methods.

Every method may raise Unavailable when the system behind it does not answer; other errors are named.
"""
