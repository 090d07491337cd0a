"""POST /v1/books/{book}/events: the way in, as a plain ASGI endpoint.

Every request of an upstream system passes here, so nothing stands between the socket and the writer: no
middleware, no model objects. The shapes: one CloudEvent (structured or binary mode), a batch (a JSON
array), or NDJSON, which is read, judged and answered slice by slice, so that its size costs no memory.
"""
