#!/bin/sh
# What a billing system does to a service, with kubectl. Every change is one merge patch of billing's own fields, for the very
# object that was ordered, with absolute dates: repeating any line after a time-out does no harm.
#
# Exit codes: 0 done. 1 not done, try again later. 2 asked wrongly. 3 another object has this name now: stop, and ask a person.
# 4 covered already: drop the payment. 5 refused: the same write will be refused again, so a person looks at the message.
set -eu

NAMESPACE=${NAMESPACE:-customers}
# The name under which the API server keeps what billing wrote. It must not begin with kubectl: Flux takes such fields for edits
# by hand, and undoes them.
MANAGER=billing

main() {
  command=${1:-help}
  [ $# -eq 0 ] || shift
  writable "$@"
  case $command-$# in
    order-6) order "$@" ;;
    # The end of the period that the invoice names. Never "one month more": that would count twice when it comes twice. What
    # corrected a mistake once goes with it, or the same date could not be corrected twice.
    paid-3) write "$1" "$2" '{"renewal":{"paidUntil":"'"$3"'","corrects":null}}' ;;
    # A date that was written by mistake. It names the date that stands, so that it cannot undo a payment that came meanwhile.
    correct-4) write "$1" "$2" '{"renewal":{"paidUntil":"'"$3"'","corrects":"'"$4"'"}}' ;;
    # Ends on a date. Until then it can be withdrawn, and nothing is renewed at the provider.
    cancel-5) write "$1" "$2" '{"cancellation":{"at":"'"$3"'","reason":"'"$4"'","requestedBy":"'"$5"'"}}' ;;
    # Null removes the field.
    withdraw-2) write "$1" "$2" '{"cancellation":null}' ;;
    # Billing's own key among the holders. The abuse desk has another one, and neither lifts the other's.
    suspend-3) write "$1" "$2" '{"suspensions":{"billing":{"reason":"Overdue","message":"'"$3"'"}}}' ;;
    lift-2) write "$1" "$2" '{"suspensions":{"billing":null}}' ;;
    *) usage ;;
  esac
}

# Quotes, backslashes and line ends would change the JSON around them. A program that writes JSON properly takes them all.
writable() {
  for word; do
    case $word in
      *[\"\\]* | *'
'*) echo "cannot be written by this script: $word" >&2; exit 2 ;;
    esac
  done
}

# Makes a service and prints its UID, which billing keeps with the order. A repetition prints it again.
order() { # NUMBER PACKAGE OWNER EMAIL NAME SERVER_NAME
  # The name comes from the order's number: no other order ever gets it.
  service=order-$1
  # create, not apply: it never changes an object that is there.
  made=$(kubectl create --field-manager=$MANAGER -o jsonpath='{.metadata.uid}' -f - 2>&1 <<EOF
{"apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
 "metadata": {"name": "$service", "namespace": "$NAMESPACE", "labels": {"billing.example.com/order": "$1"}},
 "spec": {"packageRef": {"name": "$2"}, "desiredStatus": "Active",
          "owner": {"id": "$3", "email": "$4", "name": "$5"},
          "checkout": {"server_name": "$6"}}}
EOF
  ) && { echo "$made"; return; }
  case $made in
    *AlreadyExists*) ;;
    *) refused "$made" ;;
  esac
  # An answer was lost and this is the second attempt, or the name belongs to somebody else. Owner and label tell.
  found=$(kubectl -n "$NAMESPACE" get hsvc "$service" \
    -o jsonpath='{.spec.owner.id} {.metadata.labels.billing\.example\.com/order} {.metadata.uid}')
  [ "${found% *}" = "$3 $1" ] || { echo "$service is there and is not order $1 of $3" >&2; exit 3; }
  echo "${found##* }"
}

# One write: the UID of the order makes the server refuse it when the object was deleted and made anew.
write() { # SERVICE UID SPEC
  answer=$(kubectl -n "$NAMESPACE" patch hsvc "$1" --field-manager=$MANAGER --type merge \
    -p '{"metadata":{"uid":"'"$2"'"},"spec":'"$3"'}' 2>&1) || refused "$answer"
  echo "$answer"
}

# What a refusal means for billing. The words are those of kubectl, so a change of them ends in 1 or 5, never in a wrong write.
refused() { # ANSWER
  echo "$1" >&2
  case $1 in
    # 422 for metadata.uid: the object that was ordered is gone, and its name belongs to another one. Or there is none at all.
    *'metadata.uid: Invalid value'* | *'(NotFound)'*) exit 3 ;;
    # 422 for spec.renewal: a later date stands. The payment is covered, whichever way it was delayed.
    *'spec.renewal: Invalid value'*) exit 4 ;;
    *'is invalid'* | *'(BadRequest)'* | *'(Forbidden)'*) exit 5 ;;
    # No answer, or the server is busy.
    *) exit 1 ;;
  esac
}

usage() {
  cat >&2 <<'EOF'
usage: billing.sh order NUMBER PACKAGE OWNER EMAIL NAME SERVER_NAME
       billing.sh paid SERVICE UID UNTIL
       billing.sh correct SERVICE UID UNTIL STANDING
       billing.sh cancel SERVICE UID AT REASON REQUESTED_BY
       billing.sh withdraw SERVICE UID
       billing.sh suspend SERVICE UID MESSAGE
       billing.sh lift SERVICE UID
EOF
  exit 2
}

main "$@"
