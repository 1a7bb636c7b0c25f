"""The phone page: a set of static files that classify a phone's camera on the phone.

:mod:`site` puts the files together, :mod:`assets` brings those that are not ours, :mod:`server` serves them,
:mod:`certificate` makes a certificate for a quick try. ``page`` holds our own files, as browsers get them.
"""
