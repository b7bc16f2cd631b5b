#!/usr/bin/env python3
"""What a billing system does to a service, over the Kubernetes API. Only the standard library is needed.

Every change is one merge patch of billing's own fields, for the very object that was ordered, with absolute dates: repeating
any of them after a time-out does no harm. Where billing.sh has to read the words of kubectl, this reads the answer itself.
"""

import contextlib
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import tempfile

SERVICES = "/apis/hostwright.dev/v1alpha1/namespaces/customers/hostingservices"
# The name under which the API server keeps what billing wrote. It must not begin with kubectl: Flux takes such fields for edits
# by hand, and undoes them.
MANAGER = "billing"


class Refused(Exception):
    """The write was not done, and the exit code says what that means for billing."""

    exit_code = 5  # the same write will be refused again: a person looks at the message


class TryAgain(Refused):
    """No answer, a conflict, or a server that is busy. Every write of this program may be repeated."""

    exit_code = 1


class AnotherObject(Refused):
    """The object that was ordered is gone, whether or not its name belongs to another one: stop, and ask a person."""

    exit_code = 3


class Covered(Refused):
    """A later date stands already, whichever way this payment was delayed: drop it."""

    exit_code = 4


@contextlib.contextmanager
def api():
    """A way to the API server. kubectl proxy brings the credentials; its socket is in a folder that nobody else may enter.

    Inside a cluster, use the token of the service account and the address kubernetes.default.svc in its place.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "api")
        proxy = subprocess.Popen(["kubectl", "proxy", "--unix-socket", path], stdout=subprocess.PIPE, text=True)
        try:
            # Its only line comes when the socket is there.
            proxy.stdout.readline()
            yield path
        finally:
            proxy.terminate()
            proxy.wait()


def call(path, method, resource, body=None):
    """One request, and its answer as JSON."""
    connection = http.client.HTTPConnection("localhost", timeout=30)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(path)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        connection.request(method, resource, json.dumps(body) if body else None, {"Content-Type": kind})
        answer = connection.getresponse()
        read = json.load(answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TryAgain(f"no answer to {method} {resource}: {error}") from error
    finally:
        connection.close()
    if answer.status < 300:
        return read
    raise refusal(answer.status, read)


def refusal(status, answer):
    """What a refusal means. A 422 names the fields that were refused: metadata.uid, or spec.renewal as a whole."""
    fields = [cause.get("field") for cause in answer.get("details", {}).get("causes", [])]
    message = answer.get("message", f"HTTP {status}")
    if status == 404 or (status == 422 and "metadata.uid" in fields):
        return AnotherObject(message)
    if status == 422 and "spec.renewal" in fields:
        return Covered(message)
    if status in (409, 429) or status >= 500:
        return TryAgain(message)
    return Refused(message)


def order(path, number, package, owner, email, name, server_name):
    """Makes a service and answers its UID, which billing keeps with the order. A repetition answers it again."""
    label = "billing.example.com/order"
    service = {
        "apiVersion": "hostwright.dev/v1alpha1",
        "kind": "HostingService",
        # The name comes from the order's number: no other order ever gets it.
        "metadata": {"name": f"order-{number}", "labels": {label: number}},
        "spec": {
            "packageRef": {"name": package},
            "desiredStatus": "Active",
            "owner": {"id": owner, "email": email, "name": name},
            "checkout": {"server_name": server_name},
        },
    }
    try:
        return call(path, "POST", f"{SERVICES}?fieldManager={MANAGER}", service)["metadata"]["uid"]
    except TryAgain as failure:
        # The name is taken, or an answer was lost: then this order may have been made all the same.
        found = existing(path, f"order-{number}")
        if found is None:
            raise failure
        labels = found["metadata"].get("labels", {})
        if (found["spec"]["owner"]["id"], labels.get(label)) != (owner, number):
            raise AnotherObject(f"order-{number} is there and is not order {number} of {owner}") from None
        return found["metadata"]["uid"]


def existing(path, service):
    """A service as it is; None where there is none."""
    try:
        return call(path, "GET", f"{SERVICES}/{service}")
    except AnotherObject:
        return None


def write(path, service, uid, spec):
    """One write: the UID of the order makes the server refuse it when the object was deleted and made anew."""
    body = {"metadata": {"uid": uid}, "spec": spec}
    call(path, "PATCH", f"{SERVICES}/{service}?fieldManager={MANAGER}", body)
    return f"{service}: written"


def paid(path, service, uid, until):
    """The end of the period that the invoice names. Never "one month more": that would count twice when it comes twice.

    What corrected a mistake once goes with it, or the same date could not be corrected twice.
    """
    return write(path, service, uid, {"renewal": {"paidUntil": until, "corrects": None}})


def correct(path, service, uid, until, standing):
    """A date that was written by mistake. It names the date that stands, so that it cannot undo a later payment."""
    return write(path, service, uid, {"renewal": {"paidUntil": until, "corrects": standing}})


def cancel(path, service, uid, at, reason, requested_by):
    """Ends on a date. Until then it can be withdrawn, and nothing is renewed at the provider."""
    return write(path, service, uid, {"cancellation": {"at": at, "reason": reason, "requestedBy": requested_by}})


def withdraw(path, service, uid):
    """None becomes null, which removes the field."""
    return write(path, service, uid, {"cancellation": None})


def suspend(path, service, uid, message):
    """Billing's own key among the holders. The abuse desk has another one, and neither lifts the other's."""
    return write(path, service, uid, {"suspensions": {"billing": {"reason": "Overdue", "message": message}}})


def lift(path, service, uid):
    """Lifts billing's own suspension, and no other."""
    return write(path, service, uid, {"suspensions": {"billing": None}})


COMMANDS = {command.__name__: command for command in [order, paid, correct, cancel, withdraw, suspend, lift]}


def main():
    """The command that was asked for, by its name and arguments."""
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    takes = command.__code__.co_varnames[1 : command.__code__.co_argcount] if command else ()
    if command is None or len(sys.argv) - 2 != len(takes):
        names = command.__name__ if command else "|".join(COMMANDS)
        print(f"usage: billing.py {names} {' '.join(takes).upper()}", file=sys.stderr)
        return 2
    try:
        with api() as path:
            print(command(path, *sys.argv[2:]))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return refused.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
