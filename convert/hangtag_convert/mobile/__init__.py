"""Bundles for phones: a model, its labels, source generated from its contract, and golden cases with tests.

:mod:`facts` says what a contract asks of a phone, :mod:`golden` what the phone must compute, :mod:`android`
and :mod:`ios` which files follow, :mod:`bundle` writes them. The source is in ``templates``: only one file of
each platform holds numbers, and all of them come from the contract. :mod:`web` packs the phone page.
"""
