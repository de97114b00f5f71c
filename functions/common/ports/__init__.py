"""What functions need from outside, as Protocols of one to three methods.

Every method may raise Unavailable when what is behind it does not answer; other errors are named.
"""
