"""The state that a front end holds while it works: tasks, their progress, and the checks of a user's choices.

This room imports neither slicer nor a widget toolkit. A front end injects its event loop (`event_loop.EventLoop`).
"""
