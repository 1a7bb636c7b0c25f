"""The HTTP preview: a page with the picture and the label, for whoever may look over the network.

    loop -> sinks/preview.py -> wire -> a process of its own: server -> display, metrics -> site -> connection

Requests are answered in a process of their own, which has the lowest priority and loads neither NumPy nor
OpenCV: whatever clients do there takes no time from inference, of its threads or of Python's lock.
"""
