//! Who waits at a gate, and who is next.

use std::collections::BTreeMap;

use super::CallKind;

/// A place in the queue. Lower ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    rank: u8,
    number: u64,
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    issued: u64,
    waiting: BTreeMap<Ticket, CallKind>,
}

impl Queue {
    /// Queues behind all of the same rank.
    pub(super) fn enter(&mut self, kind: CallKind) -> Ticket {
        let rank = match kind {
            CallKind::Create | CallKind::Mutation => 0,
            CallKind::Observation => 1,
        };
        self.issued += 1;
        let ticket = Ticket { rank, number: self.issued };
        self.waiting.insert(ticket, kind);
        ticket
    }

    /// Leaves, served or not.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// Who is next; creates stand aside while too many are running.
    pub(super) fn next(&self, creates_stand_aside: bool) -> Option<Ticket> {
        let may_go = |kind: CallKind| !(creates_stand_aside && kind == CallKind::Create);
        self.waiting.iter().find(|(_, kind)| may_go(**kind)).map(|(ticket, _)| *ticket)
    }
}
