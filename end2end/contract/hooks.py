"""What no document can say of a request, said to Schemathesis before it sends one.

Both are for requests that keep to the document; what breaks it is sent as it was made up.
"""

import itertools

import schemathesis

numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # A key is for one request: the same again for another one is refused, as it must be.
    if case.headers is not None and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"contract-{next(numbers)}"
    # Which cursors the store has written, only the store knows. Its own links are followed by our own tests.
    if case.query and "cursor" in case.query:
        del case.query["cursor"]
